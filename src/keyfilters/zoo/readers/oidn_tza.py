"""Open Image Denoise: TZA archives of tensors, which its library holds as they are."""

from __future__ import annotations

import math
import struct
from functools import partial
from pathlib import Path

import numpy as np

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.network import Network
from keyfilters.zoo.weights import convolution, reader

MAGIC, VERSION = 0x41D7, 2
TYPES = {"f": "<f4", "h": "<f2"}


@reader("TZA")
def read(path: Path, offset: int = 0) -> Network:
    """The convolutions of the archive that begins `offset` bytes into the file.

    The U-Nets of the library are made of regular convolutions of stride 1; a TZA itself tells neither kinds nor depths.
    """
    content = np.memmap(path, np.uint8, "r")[offset:]
    magic, version, _, table = struct.unpack_from("<HBBQ", content)
    if (magic, version) != (MAGIC, VERSION):
        raise KeyfiltersError(f"{path}: no TZA archive of version {VERSION} at byte {offset:#x}")
    [count] = struct.unpack_from("<I", content, table)
    position = table + 4
    found = []
    for _ in range(count):
        [length] = struct.unpack_from("<H", content, position)
        name = bytes(content[position + 2 : position + 2 + length]).decode()
        position += 2 + length
        dimensions = int(content[position])
        shape = struct.unpack_from(f"<{dimensions}I", content, position + 1)
        position += 1 + 4 * dimensions
        layout = bytes(content[position : position + dimensions]).decode()
        position += dimensions
        kind, start = struct.unpack_from("<cQ", content, position)
        position += 9
        if layout != "oihw":
            continue
        kind = TYPES[kind.decode()]
        if start + math.prod(shape) * np.dtype(kind).itemsize > len(content):
            raise KeyfiltersError(f"{path}: ends within the weight of {name!r}")
        found.append(convolution(path, name, shape, partial(np.ndarray, shape, kind, content, start)))
    if not found:
        raise KeyfiltersError(f"{path}: no convolutions in this TZA archive")
    return Network(tuple(found))
