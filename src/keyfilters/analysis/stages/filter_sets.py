"""The layers of each set of filters in a store, and their filters in the precision of the analysis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from keyfilters.analysis.duplicates import duplicates
from keyfilters.analysis.streaming import Labelled, rounded
from keyfilters.filters.store import Filters, choose
from keyfilters.zoo.table import PRECISIONS

BY_GRAPH, BY_FILE = "graph", "order in the file"


def chosen(
    filters: Filters, settings: Mapping[str, Any], models: Mapping[str, Sequence[str]] | None = None
) -> Iterator[tuple[str, pd.DataFrame, Labelled]]:
    """Every set of a job's `settings` by name: its layers, rows of `filters.layers`, and their blocks `[n, d]`.

    `models`: the names of those whose layers a set has; None is all. The layers' depths are those of `with_depths`.
    """
    everything = with_depths(filters.layers)
    for name, filter_set in settings["sets"].items():
        layers = choose(everything, tuple(filter_set["kernel"]), filter_set["kinds"])
        if models is not None:
            layers = layers[layers["model_id"].map(filters.models["model"]).isin(models[name])]
        yield name, layers, rounded(filters.blocks(layers), settings["precision"])


def with_depths(layers: pd.DataFrame) -> pd.DataFrame:
    """The layers with `depth_by`, and depths for the networks whose files tell none of their layers.

    These have the convolutions' order in the file, as `conv_depths` ranks them; transposed ones have no depth.
    """
    ranked = layers["kind"].ne("transposed").fillna(True)
    has_depths = layers["conv_depth"].notna().groupby(layers["model_id"]).transform("any")
    missing = ranked & ~has_depths
    rank = missing.groupby(layers["model_id"]).cumsum() - 1
    last = rank.groupby(layers["model_id"]).transform("max").clip(lower=1)
    return layers.assign(
        conv_depth=layers["conv_depth"].mask(missing, rank),
        conv_depth_norm=layers["conv_depth_norm"].mask(missing, rank / last),
        depth_by=pd.Series(np.where(has_depths, BY_GRAPH, BY_FILE), layers.index, dtype="str"),
    )


def counted_once(
    models: Sequence[str], filters: np.ndarray, samples: np.ndarray, settings: Mapping[str, Any], name: str
) -> tuple[list[str], dict[str, str]]:
    """The networks that count in statistics of the set `name`, and those that have the weights of one of them.

    `models`, `filters [L]` and `samples [L, SAMPLE, d]` are of the set's layers; in `settings`: the set's `precisions`,
    what `stored` says of networks that are not float32, and what of `duplicates` counts. Of networks with the same
    weights, that of the highest precision counts, and of these the first.
    """
    stored = pd.Series(list(models), dtype="str").map(lambda model: settings["stored"].get(model, PRECISIONS[0]))
    allowed = settings["sets"][name]["precisions"]
    rows = np.flatnonzero(stored.isin(list(allowed or PRECISIONS)))
    order = rows[np.argsort(stored.iloc[rows].map(PRECISIONS.index), kind="stable")]
    same: dict[str, str] = {}
    if settings["duplicates"] == "once":
        same = duplicates([models[row] for row in order], filters[order], samples[order])
    kept = dict.fromkeys(models[row] for row in rows)
    return [model for model in kept if model not in same], same


def dimensions(settings: Mapping[str, Any], name: str) -> int:
    """Weights of a kernel of the set `name`."""
    height, width = settings["sets"][name]["kernel"]
    return height * width
