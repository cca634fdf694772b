"""safetensors: named tensors without a graph."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from safetensors import safe_open

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.format import Format
from keyfilters.zoo.network import Network
from keyfilters.zoo.weights import convolution, oihw_shape, reader, to_oihw

LONGEST_HEADER = 100_000_000  # bytes that the library takes


def _recognises(path: Path, head: bytes) -> bool:
    return head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") < LONGEST_HEADER


FORMAT = Format(extensions=(".safetensors",), recognises=_recognises)


@reader("safetensors")
def read(path: Path) -> Network:
    """The convolutions in the order of the file; kinds, groups, strides and depths are unknown.

    The layout is that of PyTorch, `[out, in/groups, kh, kw]`, unless the file says that MLX wrote it, whose layout is
    `[out, kh, kw, in/groups]`.
    """
    convolutions = []
    left_out = []
    with safe_open(path, "np") as file:
        framework = (file.metadata() or {}).get("format", "pt")
        if framework not in ("pt", "np", "mlx"):
            raise KeyfiltersError(f"{path}: the layout of weights of {framework!r} is not known")
        layout = "OHWI" if framework == "mlx" else "OIHW"
        for name in file.offset_keys():
            shape = tuple(file.get_slice(name).get_shape())
            if name.rpartition(".")[2] != "weight":
                continue
            if len(shape) == 4:
                values = partial(_values, path, name, layout)
                convolutions.append(convolution(path, name, oihw_shape(shape, layout), values))
            elif len(shape) in (3, 5):
                left_out.append(f"{name}: a weight of {len(shape)} dimensions, no 2-D convolution")
    if not convolutions:
        raise KeyfiltersError(f"{path}: no `<layer>.weight` of four dimensions in it")
    return Network(tuple(convolutions), left_out=tuple(left_out))


def _values(path: Path, name: str, layout: str) -> np.ndarray:
    with safe_open(path, "np") as file:
        return to_oihw(file.get_tensor(name), layout)
