"""MXNet `.params`: named arrays without a graph."""

from __future__ import annotations

import math
import struct
from functools import partial
from pathlib import Path

import numpy as np

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.format import Format, begins_with
from keyfilters.zoo.network import Network
from keyfilters.zoo.weights import convolution, reader

LIST_MAGIC, ARRAY_MAGIC = 0x112, 0xF993FAC9
TYPES = {0: "<f4", 1: "<f8", 2: "<f2", 3: "u1", 4: "<i4", 5: "i1", 6: "<i8"}


FORMAT = Format(extensions=(".params",), recognises=begins_with(struct.pack("<QQ", LIST_MAGIC, 0)))


@reader("MXNet")
def read(path: Path) -> Network:
    """Weights `[out, in/groups, kh, kw]` in the order of the file; kinds, groups, strides and depths are unknown."""
    content = np.memmap(path, np.uint8, "r")
    magic, _, count = struct.unpack_from("<QQQ", content)
    if magic != LIST_MAGIC:
        raise KeyfiltersError(f"{path}: no MXNet file (it begins with {magic:#x}, not {LIST_MAGIC:#x})")
    arrays, position = [], 24
    for _ in range(count):
        shape, kind, position = _header(content, position)
        arrays.append((position, shape, kind))
        position += math.prod(shape) * np.dtype(kind).itemsize
        if position > len(content):
            raise KeyfiltersError(f"{path}: ends within array {len(arrays)} of {count}")
    convolutions = []
    for name, (start, shape, kind) in zip(_names(content, position, count), arrays, strict=True):
        # Saved modules have `arg:` or `aux:` before the name.
        if len(shape) == 4 and name.endswith("weight"):
            convolutions.append(convolution(path, name, shape, partial(np.ndarray, shape, kind, content, start)))
    if not convolutions:
        raise KeyfiltersError(f"{path}: no weight of four dimensions in it")
    return Network(tuple(convolutions))


def _header(content: np.ndarray, position: int) -> tuple[tuple[int, ...], str, int]:
    """Shape and type of an array, and where its values begin."""
    magic, storage, dimensions = struct.unpack_from("<Iii", content, position)
    if magic != ARRAY_MAGIC or storage != 0 or not 0 <= dimensions <= 32:
        raise ValueError(f"no dense array at byte {position:,}")
    shape = struct.unpack_from(f"<{dimensions}q", content, position + 12)
    position += 12 + 8 * dimensions
    kind = struct.unpack_from("<iii", content, position)[2]  # behind the device and its number
    if min(shape, default=0) < 0:
        raise ValueError(f"an array has the shape {shape}")
    return shape, TYPES[kind], position + 12


def _names(content: np.ndarray, position: int, arrays: int) -> list[str]:
    [count] = struct.unpack_from("<Q", content, position)
    if count != arrays:
        raise ValueError(f"{arrays} arrays have {count} names")
    names, position = [], position + 8
    for _ in range(count):
        [length] = struct.unpack_from("<Q", content, position)
        names.append(bytes(content[position + 8 : position + 8 + length]).decode())
        position += 8 + length
    return names
