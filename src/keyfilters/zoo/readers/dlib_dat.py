"""dlib: serialised networks, of which the convolution layers `con_4` are found by their name."""

from __future__ import annotations

import mmap
from functools import partial
from pathlib import Path

import numpy as np

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.format import Format
from keyfilters.zoo.network import Network, kind_of
from keyfilters.zoo.weights import convolution, reader

LAYER = b"\x01\x05con_4"  # a string behind its length
VERSION = b"\x01\x01"  # of the serialised network, which it begins with
TENSOR_VERSION = 2


def _recognises(path: Path, head: bytes) -> bool:
    if not head.startswith(VERSION):
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(LAYER) >= 0


FORMAT = Format(extensions=(".dat",), recognises=_recognises)


@reader("dlib")
def read(path: Path) -> Network:
    """The convolutions in the order of the file, which is that of execution.

    dlib has no groups, and transposed convolutions have another name. Depths and operators are not known: such a file
    can only be walked with the type of the whole network at hand.
    """
    content = path.read_bytes()
    convolutions = []
    position = content.find(LAYER)
    while position >= 0:
        version, start = _integer(content, position + len(LAYER))
        if version != TENSOR_VERSION:
            raise ValueError(f"a tensor of version {version} at byte {position:,}")
        sizes = []
        for _ in range(4):
            size, start = _integer(content, start)
            sizes.append(size)
        count = int(np.prod(sizes))
        end = start + 4 * count
        if not 0 <= count <= len(content) // 4 or end > len(content):
            raise KeyfiltersError(f"{path}: ends within the weight of layer {len(convolutions)}")
        filters, after = _integer(content, end)
        height, after = _integer(content, after)
        width, after = _integer(content, after)
        stride_height, after = _integer(content, after)
        stride_width, _ = _integer(content, after)
        # The biases lie behind the weights.
        shape = (filters, (count - filters) // max(filters * height * width, 1), height, width)
        name = f"con_{len(convolutions)}"
        values = partial(np.ndarray, shape, "<f4", content, start)
        if int(np.prod(shape)) + filters != count:
            raise KeyfiltersError(f"{path}: {name!r} has {count:,} numbers, which do not fill the shape {shape}")
        stride = (stride_height, stride_width)
        convolutions.append(convolution(path, name, shape, values, kind=kind_of(shape, 1), groups=1, stride=stride))
        position = content.find(LAYER, end)
    if not convolutions:
        raise KeyfiltersError(f"{path}: no convolutions (`con_4`) in this dlib file")
    return Network(tuple(convolutions))


def _integer(content: bytes, position: int) -> tuple[int, int]:
    """A number behind a byte that tells its count of bytes and its sign, and where it ends."""
    control = content[position]
    end = position + 1 + (control & 0x0F)
    value = int.from_bytes(content[position + 1 : end], "little")
    return (-value if control & 0x80 else value), end
