"""What an analysis reads: a table of models, a table of layers, and their filters in blocks.

The store of a study (`Store`) and the published file of CNN Filter DB (`filters.hdf5.Published`) are both `Filters`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from safetensors import SafetensorError, safe_open

from keyfilters.config.analysis import COUNTED_KINDS
from keyfilters.errors import KeyfiltersError
from keyfilters.filters.tables import model_table
from keyfilters.filters.writing import FILTERS, LAYERS, layer_table
from keyfilters.store import artifacts

BLOCK = 1 << 16  # filters

UNTOLD = "unknown"
"""The kind of a layer that its file does not tell, in a network that a person names."""


class Filters(Protocol):
    """Filters of many models, by layer.

    `models`: a row per model, indexed by `model_id`, with the columns that the published meta table has of a model.
    `layers`: a row per layer, with `model_id`, `conv_depth`, `conv_depth_norm` and `kind` (null where unknown),
    the kernel's `kh` and `kw`, and how many `filters` it has; its index is what `blocks` names a layer by.
    """

    models: pd.DataFrame
    layers: pd.DataFrame

    def blocks(self, layers: pd.DataFrame, most: int = BLOCK) -> Iterator[tuple[Any, np.ndarray]]:
        """The filters of `layers`, some rows of `self.layers`, layer by layer in their order: the row's label and
        float32 `[n, kh * kw]`, n about `most` at the most. The memory needed is that of one block."""
        ...


def choose(
    layers: pd.DataFrame, kernel: tuple[int, int] = (3, 3), kinds: Collection[str] = COUNTED_KINDS
) -> pd.DataFrame:
    """The layers of this kernel size and of these kinds; the defaults are what counts in CNN Filter DB's figures.

    Its authors' extractor takes every `Conv` of a graph, whatever its groups. A layer whose kind is null is in no
    choice, one whose kind is `UNTOLD` in those of all `COUNTED_KINDS`.
    """
    kinds = {*kinds, UNTOLD} if {*kinds} >= {*COUNTED_KINDS} else {*kinds}
    return layers[(layers["kh"] == kernel[0]) & (layers["kw"] == kernel[1]) & layers["kind"].isin(kinds)]


class Store:
    """The store of a study: one artifact of the stage `extract` per model.

    `folders`: below `root`, by model, as a job's inputs name them. Models that were refused have no row; their reasons
    stand in `refused`.

    Raises KeyfiltersError if an artifact is absent or not as it was made.
    """

    def __init__(self, root: Path, folders: Mapping[str, str]) -> None:
        extracts = {model: artifacts.manifest(root, folder) for model, folder in folders.items()}
        self.refused = {
            model: artifact.facts["refused"] for model, artifact in extracts.items() if "refused" in artifact.facts
        }
        kept = {model: artifact for model, artifact in extracts.items() if model not in self.refused}
        tables = [pd.read_parquet(artifact.path / LAYERS) for artifact in kept.values()]
        self.models = model_table(list(kept), [artifact.facts for artifact in kept.values()], tables)
        for model_id, table in enumerate(tables):
            table.insert(0, "model_id", model_id)
        self.layers = pd.concat(tables, ignore_index=True) if tables else layer_table((), ()).assign(model_id=0)
        self._paths = [artifact.path / FILTERS for artifact in kept.values()]

    def blocks(self, layers: pd.DataFrame, most: int = BLOCK) -> Iterator[tuple[Any, np.ndarray]]:
        """As `Filters.blocks`; the files are mapped into memory."""
        for model_id, rows in layers.groupby("model_id", sort=False):
            yield from _blocks(self._paths[model_id], rows, most)


def _blocks(path: Path, rows: pd.DataFrame, most: int) -> Iterator[tuple[Any, np.ndarray]]:
    try:
        with safe_open(path, framework="numpy") as file:
            for row in rows.itertuples():
                weight = file.get_slice(row.layer)
                step = max(1, most // row.in_channels)
                for first in range(0, row.out_channels, step):
                    yield row.Index, weight[first : min(first + step, row.out_channels)].reshape(-1, row.kh * row.kw)
    except (OSError, SafetensorError) as error:
        raise KeyfiltersError(f"{path}: cannot be read ({error}); delete its folder and run again") from None
