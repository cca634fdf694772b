"""Arrays written row by row to a safetensors file, so that a prepared set may be larger than the memory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_NAMES = {"uint8": "U8", "int64": "I64"}


@dataclass(frozen=True)
class Rows:
    """An array `[len(rows), *shape]` of `dtype`, given row by row."""

    dtype: type[np.generic]
    shape: tuple[int, ...]
    rows: Sequence[np.ndarray | np.generic]

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.rows) * int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize


def save(arrays: Mapping[str, Rows], path: Path) -> None:
    """Write what `safetensors.numpy.save_file` would, byte by byte: a header, then the arrays, widest types first."""
    order = sorted(arrays, key=lambda name: (-np.dtype(arrays[name].dtype).itemsize, name))
    header, end = {}, 0
    for name in order:
        array, begin = arrays[name], end
        end = begin + array.size
        header[name] = {
            "dtype": _NAMES[np.dtype(array.dtype).name],
            "shape": [len(array.rows), *array.shape],
            "data_offsets": [begin, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in order:
            for row in arrays[name].rows:
                file.write(row.tobytes())
