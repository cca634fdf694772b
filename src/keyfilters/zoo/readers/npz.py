"""NumPy archives of Chainer: arrays `<layer>/W` of `[out, in/groups, kh, kw]`, without a graph."""

from __future__ import annotations

import math
import zipfile
from functools import partial
from pathlib import Path

import numpy as np

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.format import Format
from keyfilters.zoo.network import Network
from keyfilters.zoo.weights import convolution, reader

ENTRY = (
    b"PK\x03\x04"  # the begin of an entry of a zip archive; the length of its name lies 26 bytes behind, the name 30
)


def _recognises(path: Path, head: bytes) -> bool:
    return head.startswith(ENTRY) and head[30 : 30 + int.from_bytes(head[26:28], "little")].endswith(b".npy")


FORMAT = Format(extensions=(".npz",), recognises=_recognises)


@reader("NumPy archive")
def read(path: Path) -> Network:
    """The convolutions in the order of the archive; kinds, groups, strides and depths are unknown.

    The weight of a transposed convolution is `[in, out/groups, kh, kw]` in the archive, and is given so.
    """
    convolutions = []
    left_out = []
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            name = entry.filename.removesuffix(".npy")
            with archive.open(entry) as file:
                shape, size = _header(file)
            if name.rpartition("/")[2] not in ("W", "weight"):
                continue
            if math.prod(shape) * size > entry.file_size:
                raise KeyfiltersError(f"{path}: {name!r} has {entry.file_size:,} bytes, too few for the shape {shape}")
            if len(shape) == 4:
                convolutions.append(convolution(path, name, shape, partial(_values, path, name)))
            elif len(shape) in (3, 5):
                left_out.append(f"{name}: a weight of {len(shape)} dimensions, no 2-D convolution")
    if not convolutions:
        raise KeyfiltersError(f"{path}: no array in it is the weight of a 2-D convolution (`<layer>/W`, 4 dimensions)")
    return Network(tuple(convolutions), left_out=tuple(left_out))


def _header(file: zipfile.ZipExtFile) -> tuple[tuple[int, ...], int]:
    """Shape and bytes of an item, of an array that is not read."""
    version = np.lib.format.read_magic(file)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, _, kind = readers[version](file)
    return shape, kind.itemsize


def _values(path: Path, name: str) -> np.ndarray:
    with np.load(path, allow_pickle=False) as archive:
        return archive[name]
