"""Keras HDF5: whole models with their configuration, or weights alone."""

from __future__ import annotations

import mmap
import struct
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo import keras
from keyfilters.zoo.format import Format
from keyfilters.zoo.network import Network
from keyfilters.zoo.tensorflow import Weight
from keyfilters.zoo.weights import reader

HEAP = b"GCOL\1\0\0\0"  # begin of a global heap; behind it its size, then entries of index, size and content
MAGIC = b"\x89HDF\r\n\x1a\n"


def _recognises(path: Path, head: bytes) -> bool:
    if not head.startswith(MAGIC):
        return False
    try:
        with h5py.File(path) as file:
            of_keras = "keras_version" in file.attrs or "model_weights" in file
            return of_keras or file.visit(lambda name: _is_kernel(name) or None) is not None
    except Exception:  # a damaged file, of which the reader says more
        return True


def _is_kernel(name: str) -> bool:
    return name.rpartition("/")[2].partition(":")[0] in keras.KERNELS


FORMAT = Format(extensions=(".h5", ".hdf5"), recognises=_recognises)


@reader("Keras HDF5")
def read(path: Path) -> Network:
    """The network of an `.h5`; where it has no configuration, no depths, operators, groups or strides are known."""
    weights: dict[str, Weight] = {}

    def collect(name: str, item: h5py.Dataset | h5py.Group) -> None:
        if isinstance(item, h5py.Dataset) and item.shape is not None:
            weights[name] = Weight(tuple(item.shape), partial(_values, path, item.name))

    _check_heaps(path)
    with h5py.File(path) as file:
        # A file of weights alone has the layers at its root. The optimizer's state lies beside `model_weights`.
        file.get("model_weights", file).visititems(collect)
        version = _text(file, "keras_version")
        producer = f"keras {version}" if version else None
        network = keras.network(path, _text(file, "model_config"), weights, producer=producer)
    if not network.convolutions and network.operators is None:
        raise KeyfiltersError(
            f"{path}: no `<layer>/kernel` of four dimensions (Keras 3 names no kernels: save as HDF5)"
        )
    return network


def _check_heaps(path: Path) -> None:
    """Raises ValueError for a heap of texts in which HDF5 would go round for ever: with free space of no bytes."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        heap = content.find(HEAP)
        while heap >= 0:
            [size] = struct.unpack_from("<Q", content, heap + 8)
            position, end = heap + 16, min(heap + size, len(content))
            while position + 16 <= end:
                index, length = struct.unpack_from("<H6xQ", content, position)
                if index == 0 and length < 16:
                    raise ValueError(f"free space of {length} bytes in the heap at byte {heap:,}")
                position += length if index == 0 else 16 + -(-length // 8) * 8
            heap = content.find(HEAP, heap + 1)


def _text(file: h5py.File, name: str) -> str | None:
    """An attribute that is one text; None if there is none.

    Raises ValueError if it is anything else: HDF5 would spend hours on one of billions of texts.
    """
    if name not in file.attrs:
        return None
    if file.attrs.get_id(name).shape != ():
        raise ValueError(f"the attribute {name} is not one text")
    text = file.attrs[name]
    return text.decode() if isinstance(text, bytes) else str(text)


def _values(path: Path, name: str) -> np.ndarray:
    with h5py.File(path) as file:
        return file[name][()]
