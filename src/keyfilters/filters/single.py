"""The filters of one network that is in no store, as `store.Filters`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from keyfilters.filters.store import BLOCK, UNTOLD
from keyfilters.filters.writing import layer_table, unique
from keyfilters.zoo.network import Network


class Single:
    """The filters of `network`, whose `name` is all that is known of it; a layer at a time is in memory.

    A state dict tells no kinds: its layers' are `UNTOLD`, so that its owner may compare it all the same.
    """

    def __init__(self, network: Network, name: str) -> None:
        self._convolutions = network.convolutions
        self.models = pd.DataFrame({"model": [name]}).rename_axis("model_id")
        names = unique([convolution.name for convolution in network.convolutions])
        layers = layer_table(network.convolutions, names).assign(model_id=0)
        self.layers = layers.assign(kind=layers["kind"].fillna(UNTOLD))

    def blocks(self, layers: pd.DataFrame, most: int = BLOCK) -> Iterator[tuple[Any, np.ndarray]]:
        """As `Filters.blocks`."""
        for row in layers.itertuples():
            filters = self._convolutions[row.Index].load().reshape(-1, row.kh * row.kw)
            for start in range(0, len(filters), most):
                yield row.Index, filters[start : start + most]
