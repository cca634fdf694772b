"""Open Image Denoise: TZA archives of tensors, which its library holds as they are."""

from __future__ import annotations

import math
import mmap
import struct
from functools import partial
from pathlib import Path

import numpy as np

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.format import Format
from keyfilters.zoo.network import Network
from keyfilters.zoo.weights import convolution, reader

MAGIC, VERSION = 0x41D7, 2
START = struct.pack("<HBB", MAGIC, VERSION, 0)
LIBRARY = b"\x7fELF"
TYPES = {"f": "<f4", "h": "<f2"}


def _recognises(path: Path, head: bytes) -> bool:
    return head.startswith(START) or (head.startswith(LIBRARY) and bool(_parts(path)))


def _parts(path: Path) -> list[str]:
    """Where the archives in a file begin, in hexadecimal."""
    offsets = []
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        position = content.find(START)
        while position >= 0:
            table = position + int.from_bytes(content[position + 4 : position + 12], "little")
            # By chance the four bytes are in any large library: behind them lies a table of a plausible length.
            if table + 4 <= len(content) and 0 < int.from_bytes(content[table : table + 4], "little") < 10_000:
                offsets.append(hex(position))
            position = content.find(START, position + 1)
    return offsets


FORMAT = Format(
    extensions=(".tza",),
    recognises=_recognises,
    parts=_parts,
    options=lambda part: {"offset": int(part or "0", 16)},
)


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
    convolutions = []
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
        convolutions.append(convolution(path, name, shape, partial(np.ndarray, shape, kind, content, start)))
    if not convolutions:
        raise KeyfiltersError(f"{path}: no convolutions in this TZA archive")
    return Network(tuple(convolutions))
