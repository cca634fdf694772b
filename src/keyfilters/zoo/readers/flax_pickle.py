"""Flax parameters in a pickle: nested dictionaries of NumPy arrays, and nothing else is let in."""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.format import Format
from keyfilters.zoo.network import Network
from keyfilters.zoo.weights import convolution, oihw_shape, reader, to_oihw

# The older and the newer name of the same functions; these make arrays and numbers and cannot run code.
MULTIARRAY = {"numpy.core.multiarray", "numpy._core.multiarray"}
ALLOWED = {(module, name) for module in MULTIARRAY for name in ("_reconstruct", "scalar")} | {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}

PROTOCOLS = (b"\2", b"\3", b"\4", b"\5")
MEMO_PUTS = ("PUT", "BINPUT", "LONG_BINPUT")
OF_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # the number that PyTorch's older files begin with


class _Arrays(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise KeyfiltersError(f"the pickle wants {module}.{name}, and only NumPy arrays are read")
        if name == "_reconstruct":
            return _empty_array
        return _Class if name == "ndarray" else super().find_class(module, name)


class _Class:
    """Stands for `numpy.ndarray`, which a pickle must not call: any shape would be made."""

    def __new__(cls, *args: Any) -> Any:
        raise KeyfiltersError("the pickle wants to call numpy.ndarray")


def _empty_array(*args: Any) -> np.ndarray:
    """The array that a pickle begins with; its shape and numbers follow."""
    return np.empty(0, np.uint8)


def _check_memo_indices(content: bytes) -> None:
    """Raises ValueError if the pickle wants to keep an object in a far place: Python makes room for all before it."""
    for operation, argument, position in pickletools.genops(content):
        if operation.name in MEMO_PUTS and argument > position:
            raise ValueError(f"place {argument:,} at byte {position:,} of the pickle")


def _recognises(path: Path, head: bytes) -> bool:
    return head[:1] == pickle.PROTO and head[1:2] in PROTOCOLS and not head.startswith(OF_TORCH)


FORMAT = Format(extensions=(".pkl", ".pickle"), recognises=_recognises)


@reader("pickle of Flax")
def read(path: Path) -> Network:
    """Kernels of four dimensions in the order of the file; kinds, groups, strides and depths are unknown."""
    stored = path.read_bytes()
    _check_memo_indices(stored)
    try:
        content = _Arrays(io.BytesIO(stored)).load()
    except KeyfiltersError as error:
        raise KeyfiltersError(f"{path}: refused: {error}") from error
    convolutions = [
        convolution(path, name, oihw_shape(array.shape, "HWIO"), partial(to_oihw, array, "HWIO"))
        for name, array in _walk(content, ())
        if array.ndim == 4 and array.dtype.kind == "f" and name.rpartition("/")[2] == "kernel"
    ]
    if not convolutions:
        raise KeyfiltersError(f"{path}: no kernel of four dimensions in it")
    return Network(tuple(convolutions))


def _walk(value: Any, names: tuple[str, ...]) -> Iterator[tuple[str, np.ndarray]]:
    if isinstance(value, np.ndarray):
        yield "/".join(names), value
    elif isinstance(value, Mapping):
        for name, child in value.items():
            yield from _walk(child, (*names, str(name)))
