"""Pickles in HDF5 files that PyTables wrote: they are checked before PyTables unpickles them."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from keyfilters.errors import KeyfiltersError

_ARRAYS = {"_reconstruct", "scalar", "ndarray", "dtype", "_frombuffer"}
_MODULES = {"numpy", "numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric"}


class _Checker(pickle.Unpickler):
    """Unpickles NumPy arrays of plain Python values, nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module in _MODULES and name in _ARRAYS) or (module, name) == ("_codecs", "encode"):
            return super().find_class(module, name)
        raise KeyfiltersError(f"the pickle wants to run {module}.{name}")


def check_pickles(path: Path) -> None:
    """Raises KeyfiltersError if anything pickled in the HDF5 file at `path` is more than arrays and plain values."""

    def check_one(name: str, data: bytes) -> None:
        try:
            _Checker(io.BytesIO(data)).load()
        except KeyfiltersError as error:
            raise KeyfiltersError(f"{path}: refused, {error} in /{name}") from None
        except Exception:
            return  # no pickle: bytes that PyTables leaves as they are

    def check(name: str, item: h5py.Group | h5py.Dataset) -> None:
        for attribute in item.attrs.values():
            if isinstance(attribute, bytes | np.bytes_ | np.void):
                check_one(name, bytes(attribute))
        if isinstance(item, h5py.Dataset) and h5py.check_vlen_dtype(item.dtype) is not None:
            for row in item[...].ravel():
                if isinstance(row, np.ndarray):
                    check_one(name, row.astype(np.uint8).tobytes())

    with h5py.File(path, "r") as file:
        check("", file)
        file.visititems(check)
