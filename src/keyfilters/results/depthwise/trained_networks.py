"""The depthwise layers of the networks trained here, as figures name them."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from keyfilters.results.drawing import cells


def layers(table: pd.DataFrame, networks: Collection[str]) -> pd.DataFrame:
    """The rows of these networks, with `architecture`, as people write it, with its number of layers where there are
    several; `training_set`; `position` of a layer among the `layers` of its network, from 1, and `depth`, from 0 to 1.
    """
    rows = table[table["model"].isin(list(networks))].copy()
    of_model = rows.groupby("model", sort=False)
    rows["architecture"] = rows["Name"].map(lambda name: cells.title({"architecture": name}))
    rows["training_set"] = rows["Training-Dataset"]
    rows["position"] = of_model.cumcount() + 1
    rows["layers"] = of_model["layer"].transform("size")
    several = rows.groupby("architecture")["layers"].transform("nunique") > 1
    rows.loc[several, "architecture"] += rows.loc[several, "layers"].map(", {} layers".format)
    return rows.assign(depth=depth(rows))


def depth(table: pd.DataFrame) -> pd.Series:
    """0 for the first layer to 1 for the last; 0 for an only one."""
    return (table["position"] - 1) / (table["layers"] - 1).clip(lower=1)
