"""KataGo: gzipped networks for the game of Go, whose convolutions all are regular ones of stride 1."""

from __future__ import annotations

import gzip
import re
import zlib
from functools import partial
from pathlib import Path

import numpy as np

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.format import Format
from keyfilters.zoo.network import Network, kind_of
from keyfilters.zoo.weights import LARGEST, convolution, reader, to_oihw

# Name, height, width, inputs, outputs, dilations, and then the numbers.
CONVOLUTION = re.compile(rb"([!-~]+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+$")
BINARY = b"@BIN@"
BLOCK = 1 << 20  # bytes
LONGEST = 300  # bytes of text before the numbers


def _recognises(path: Path, head: bytes) -> bool:
    try:
        return BINARY in zlib.decompressobj(wbits=31).decompress(head)
    except zlib.error:
        return False


FORMAT = Format(extensions=(".bin.gz",), recognises=_recognises)


@reader("KataGo")
def read(path: Path) -> Network:
    """The convolutions in the order of the file, which tells of no other layers where they lie in the graph."""
    content = _unpacked(path)
    convolutions = []
    end = 0
    while (position := content.find(BINARY, end)) >= 0:
        start = position + len(BINARY)
        match = CONVOLUTION.search(content[max(end, position - LONGEST) : position])
        end = start
        if match is None:  # the numbers of another layer
            continue
        height, width, inputs, outputs = map(int, match.groups()[1:5])
        size = height * width * inputs * outputs * 4
        end = start + size
        name = match[1].decode()
        if end > len(content):
            raise KeyfiltersError(f"{path}: ends within the weight of {name!r}")
        shape = (outputs, inputs, height, width)
        values = partial(_values, content, start, (height, width, inputs, outputs))
        convolutions.append(convolution(path, name, shape, values, kind=kind_of(shape, 1), groups=1, stride=(1, 1)))
    if not convolutions:
        raise KeyfiltersError(f"{path}: no convolutions in this KataGo file")
    return Network(tuple(convolutions), producer=content.split(b"\n", 1)[0].decode(errors="replace")[:100])


def _unpacked(path: Path) -> bytes:
    blocks, size = [], 0
    with gzip.open(path) as file:
        while block := file.read(BLOCK):  # all at once would need the memory of the largest that is allowed
            blocks.append(block)
            size += len(block)
            if size > LARGEST:
                raise KeyfiltersError(f"{path}: unpacks to more than {LARGEST:,} bytes")
    return b"".join(blocks)


def _values(content: bytes, start: int, shape: tuple[int, ...]) -> np.ndarray:
    return to_oihw(np.ndarray(shape, "<f4", content, start), "HWIO")
