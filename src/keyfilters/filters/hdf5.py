"""The published form of CNN Filter DB (https://doi.org/10.5281/zenodo.6371680), read in place of a store and written.

`/filters`: float32 `[N, 9]` or `[N, 3, 3]`, all 3x3 filters. `/meta`: a row per layer, with `filter_ids` as
`start:end`, rows of `/filters` with the end included; a DataFrame as pandas writes it, or CSV as an array of bytes.
"""

from __future__ import annotations

import io
import sys
import time
import warnings
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from keyfilters.config.analysis import COUNTED_KINDS
from keyfilters.errors import KeyfiltersError
from keyfilters.filters.pickles import check_pickles
from keyfilters.filters.store import BLOCK, Filters, choose

INDEX = ("model_id", "conv_depth", "conv_depth_norm", "layer_id")
OF_LAYER = (*INDEX, "filter_ids")


class Published:
    """A file of that form as `Filters`; filters stay on disk until a block of them is asked for.

    The file does not tell kinds: `kind` is `regular` throughout, as the paper counts its filters.

    Raises KeyfiltersError if the file is not of that form, or if a pickle in it wants to run code.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with h5py.File(path, "r") as file:
                shape = file["filters"].shape
            meta = _meta(path)
        except KeyfiltersError:
            raise
        except Exception as error:  # of h5py, PyTables and pandas, each with errors of its own
            raise KeyfiltersError(f"{path}: not a file of CNN Filter DB ({' '.join(str(error).split())})") from None
        if shape[1:] not in ((9,), (3, 3)):
            raise KeyfiltersError(f"{path}: /filters has the shape {shape}, expected N x 9 or N x 3 x 3")
        self.layers = _layers(path, meta, shape[0])
        of_model = [column for column in meta if column not in OF_LAYER]
        self.models = meta.drop_duplicates("model_id").set_index("model_id")[of_model]

    def blocks(self, layers: pd.DataFrame, most: int = BLOCK) -> Iterator[tuple[Any, np.ndarray]]:
        """As `Filters.blocks`."""
        with h5py.File(self._path, "r") as file:
            filters = file["filters"]
            for label, start, count in zip(layers.index, layers["start"], layers["filters"], strict=True):
                for first in range(start, start + count, most):
                    block = filters[first : min(first + most, start + count)]
                    yield label, np.ascontiguousarray(block.reshape(-1, 9), np.float32)


def _meta(path: Path) -> pd.DataFrame:
    """`/meta` with its index as columns."""
    with h5py.File(path, "r") as file:
        if isinstance(file["meta"], h5py.Dataset):
            return pd.read_csv(io.BytesIO(file["meta"][...].astype(np.uint8).tobytes()))
    check_pickles(path)
    meta = pd.read_hdf(path, "meta")
    return meta.reset_index() if "model_id" in meta.index.names else meta


def _layers(path: Path, meta: pd.DataFrame, rows: int) -> pd.DataFrame:
    ids = meta["filter_ids"].astype("str").str.extract(r"^(\d+):(\d+)$")
    if ids.isna().to_numpy().any():
        wrong = meta["filter_ids"][ids[0].isna()].iloc[0]
        raise KeyfiltersError(f"{path}: /meta has filter_ids {wrong!r}, expected `start:end`")
    start, end = (ids[part].astype("int64") for part in (0, 1))
    if len(ids) and (end.max() >= rows or (start > end).any()):
        raise KeyfiltersError(f"{path}: /meta names filters up to {end.max():,}, but /filters has {rows:,}")
    index = {column: meta[column] for column in INDEX if column in meta}
    layers = pd.DataFrame(index).rename(columns={"layer_id": "layer"})
    return layers.assign(kind="regular", kh=3, kw=3, filters=end - start + 1, start=start)


def export(store: Filters, path: Path, kinds: Collection[str] = COUNTED_KINDS, square: bool = False) -> None:
    """Write the 3x3 filters of the layers of these kinds to `path`, whole or not at all.

    `square`: `[N, 3, 3]` instead of `[N, 9]`.

    Raises KeyfiltersError if there are none, or the file cannot be written.
    """
    layers = choose(store.layers, kinds=kinds)
    total = int(layers["filters"].sum())
    if not total:
        raise KeyfiltersError(
            f"no 3x3 filters of {', '.join(kinds)} convolutions in the store; see `keyfilters filters ls`"
        )
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_filters(store, layers, partial, (total, 3, 3) if square else (total, 9))
        _write_meta(store, layers, partial)
        partial.replace(path)
    except OSError as error:
        raise KeyfiltersError(f"{path}: cannot be written ({error})") from None
    finally:
        partial.unlink(missing_ok=True)


def _write_filters(store: Filters, layers: pd.DataFrame, path: Path, shape: tuple[int, ...]) -> None:
    name = path.name.removeprefix(".").removesuffix(".partial")
    written, began, reported = 0, time.monotonic(), time.monotonic()
    with h5py.File(path, "w") as file:
        filters = file.create_dataset("filters", shape, np.float32)
        for _, block in store.blocks(layers):
            filters[written : written + len(block)] = block.reshape(-1, *shape[1:])
            written += len(block)
            if time.monotonic() - reported > 5 or written == shape[0]:
                reported = time.monotonic()
                rate = written / max(1e-9, reported - began)
                print(f"{name}: {written:,} of {shape[0]:,} filters, {rate:,.0f}/s", file=sys.stderr, flush=True)


def _write_meta(store: Filters, layers: pd.DataFrame, path: Path) -> None:
    """The table as pandas has always written it: text as objects, numbers as NumPy's."""
    ends = layers["filters"].cumsum()
    meta = pd.DataFrame({column: layers[column] for column in INDEX[:3]}, layers.index)
    meta["layer_id"] = layers.groupby("model_id").cumcount()
    meta["filter_ids"] = [f"{end - count}:{end - 1}" for end, count in zip(ends, layers["filters"], strict=True)]
    meta = meta.join(store.models, on="model_id")
    for column in meta:
        values = meta[column]
        if not isinstance(values.dtype, np.dtype) and pd.api.types.is_numeric_dtype(values):
            meta[column] = values.astype("float64" if values.isna().any() else "int64")
        elif not pd.api.types.is_numeric_dtype(values):
            meta[column] = values.astype(object).where(values.notna(), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.PerformanceWarning)  # that text is pickled
        meta.set_index(list(INDEX)).to_hdf(path, key="meta", mode="a")
