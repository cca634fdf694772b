"""The layers of each set of filters in a store, and their filters in the precision of the analysis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from keyfilters.analysis.streaming import Labelled, rounded
from keyfilters.filters.store import Filters, choose


def chosen(filters: Filters, settings: Mapping[str, Any]) -> Iterator[tuple[str, pd.DataFrame, Labelled]]:
    """Every set of a job's `settings` by name: its layers, rows of `filters.layers`, and their blocks `[n, d]`."""
    for name, given in settings["sets"].items():
        layers = choose(filters.layers, tuple(given["kernel"]), given["kinds"])
        yield name, layers, rounded(filters.blocks(layers), settings["precision"])


def dimensions(settings: Mapping[str, Any], name: str) -> int:
    """Weights of a kernel of the set `name`."""
    height, width = settings["sets"][name]["kernel"]
    return height * width
