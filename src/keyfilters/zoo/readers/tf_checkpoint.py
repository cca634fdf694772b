"""TensorFlow checkpoints: variables in `.data-*` files, found through the `.index` beside them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.format import Format
from keyfilters.zoo.network import Network
from keyfilters.zoo.protobuf import messages
from keyfilters.zoo.weights import convolution, oihw_shape, reader, to_oihw

MESSAGES = messages(
    "tensorflow",
    {
        "BundleHeaderProto": {"num_shards": "1 int32"},
        "BundleEntryProto": {
            "dtype": "1 int32",
            "shape": "2 TensorShapeProto",
            "shard_id": "3 int32",
            "offset": "4 int64",
            "size": "5 int64",
        },
        "TensorShapeProto": {"dim": "2 Dim*"},
        "Dim": {"size": "1 int64"},
    },
)
TYPES = {1: np.dtype("<f4"), 2: np.dtype("<f8"), 19: np.dtype("<f2")}
TABLE_MAGIC = 0xDB4775248B80FB57
FOOTER, TRAILER = 48, 5  # bytes at the end of the table, and behind each block
OPTIMIZER = re.compile("OPTIMIZER_SLOT|Adam|Momentum|RMSProp|Adagrad|ExponentialMovingAverage|^save_counter")
PART = re.compile(r"\.(index|data-\d+-of-\d+)$")
# What the object graph of a Keras model puts behind the name of a variable.
ATTRIBUTE = "/.ATTRIBUTES/VARIABLE_VALUE"


def _recognises(path: Path, head: bytes) -> bool:
    index = _index(path)
    if not (PART.search(path.name) and index.is_file()):
        return False
    with index.open("rb") as file:
        file.seek(max(file.seek(0, 2) - 8, 0))
        return int.from_bytes(file.read(), "little") == TABLE_MAGIC


def _index(path: Path) -> Path:
    return path.with_name(f"{PART.sub('', path.name)}.index")


def _siblings(member: PurePosixPath) -> Callable[[str], bool]:
    prefix = PART.sub("", str(member))
    return lambda name: name.startswith(prefix) and PART.fullmatch(name[len(prefix) :]) is not None


FORMAT = Format(extensions=(".index", ".data-00000-of-00001"), recognises=_recognises, siblings=_siblings)


@reader("TensorFlow checkpoint")
def read(path: Path) -> Network:
    """Variables of four dimensions, alphabetically, without the optimizer's; `path` is the index or a data file.

    They are taken as HWIO of unknown kind, but a depthwise kernel is known by its name.
    """
    prefix, index = PART.sub("", path.name), _index(path)
    if not index.is_file():
        raise KeyfiltersError(f"{path}: {index.name} is missing beside it")
    convolutions = []
    shards = 1
    for key, value in _table(index):
        if not key:
            header = MESSAGES["BundleHeaderProto"]()
            header.ParseFromString(value)
            shards = header.num_shards
            continue
        entry = MESSAGES["BundleEntryProto"]()
        entry.ParseFromString(value)
        shape = tuple(dim.size for dim in entry.shape.dim)
        if len(shape) != 4 or entry.dtype not in TYPES or OPTIMIZER.search(key.decode()):
            continue
        name = key.decode().removesuffix(ATTRIBUTE)
        data = path.with_name(f"{prefix}.data-{entry.shard_id:05d}-of-{shards:05d}")
        kind = TYPES[entry.dtype]
        if entry.size != math.prod(shape) * kind.itemsize:  # type: ignore[attr-defined]
            raise KeyfiltersError(f"{index}: {name!r} has {entry.size:,} bytes, which do not fill the shape {shape}")
        if not data.is_file():
            raise KeyfiltersError(f"{path}: {data.name} is missing beside it")
        if not 0 <= entry.offset <= data.stat().st_size - entry.size:
            raise KeyfiltersError(f"{data}: ends within the weight of {name!r}")
        is_depthwise = "depthwise" in name.rpartition("/")[2]
        layout = "HWIM" if is_depthwise else "HWIO"
        facts = {"kind": "depthwise", "groups": shape[2]} if is_depthwise else {}
        values = partial(_values, data, entry.offset, kind, shape, layout)
        convolutions.append(convolution(path, name, oihw_shape(shape, layout), values, **facts))
    if not convolutions:
        raise KeyfiltersError(f"{index}: no variable of four dimensions")
    return Network(tuple(convolutions))


def _values(data: Path, offset: int, kind: np.dtype, shape: tuple[int, ...], layout: str) -> np.ndarray:
    return to_oihw(np.memmap(data, kind, "r", offset, shape), layout)


def _table(index: Path) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a LevelDB table, in the order of the keys."""
    content = index.read_bytes()
    if len(content) < FOOTER or int.from_bytes(content[-8:], "little") != TABLE_MAGIC:
        raise KeyfiltersError(f"{index}: no index of a TensorFlow checkpoint")
    handles = content[-FOOTER:]
    _, position = _varint(handles, 0)  # the block of properties: offset
    _, position = _varint(handles, position)  # and size
    for _, handle in _block(content, handles[position:]):
        yield from _block(content, handle)


def _block(content: bytes, handle: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of one block; a key shares its first bytes with the key before it."""
    offset, position = _varint(handle, 0)
    size, _ = _varint(handle, position)
    block, compression = content[offset : offset + size], content[offset + size]
    if len(block) + TRAILER > len(content) - offset:
        raise ValueError("a block ends behind the file")
    if compression == 1:
        length, _ = _varint(block, 0)
        if length > 100 * len(content):
            raise ValueError(f"a block of {size:,} bytes says to hold {length:,}")
        block = pyarrow.Codec("snappy").decompress(block, length, asbytes=True)
    # At the end lie the places where keys share nothing, and how many there are.
    end = len(block) - 4 - 4 * int.from_bytes(block[-4:], "little")
    key, position = b"", 0
    while position < end:
        shared, position = _varint(block, position)
        rest, position = _varint(block, position)
        length, position = _varint(block, position)
        key = key[:shared] + block[position : position + rest]
        position += rest
        yield key, block[position : position + length]
        position += length


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """The number at `position`, seven bits a byte from the lowest, and where it ends."""
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
