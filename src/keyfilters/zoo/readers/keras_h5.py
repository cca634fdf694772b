"""Keras HDF5: whole models with their configuration, or weights alone."""

from __future__ import annotations

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

    with h5py.File(path) as file:
        # A file of weights alone has the layers at its root. The optimizer's state lies beside `model_weights`.
        file.get("model_weights", file).visititems(collect)
        version = file.attrs.get("keras_version")
        producer = f"keras {version.decode() if isinstance(version, bytes) else version}" if version else None
        network = keras.network(path, file.attrs.get("model_config"), weights, producer=producer)
    if not network.convolutions and network.operators is None:
        raise KeyfiltersError(
            f"{path}: no `<layer>/kernel` of four dimensions (Keras 3 names no kernels: save as HDF5)"
        )
    return network


def _values(path: Path, name: str) -> np.ndarray:
    with h5py.File(path) as file:
        return file[name][()]
