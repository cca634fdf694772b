"""Groups of layers whose coefficient distributions are compared: by what is known of their networks, or by depth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from keyfilters.config.analysis import FilterSet

GROUPINGS: Mapping[str, str] = {
    "model": "model",
    "task": "Task",
    "visual_category": "Visual Category",
    "training_set": "Training-Dataset",
    "family": "Name",
    "precision": "Precision",
    "depth_decile": "depth_decile",
}
"""Groupings by name, with the column of layers that tells a layer's group; one without is in no group."""

DECILES = np.arange(0, 1.1, 0.1)
"""Edges of `depth_decile`, as the authors' notebook has them (0.30000000000000004 among them)."""

DECILE_NAMES = [f"{'(' if low else '['}{low:.1f}, {low + 0.1:.1f}]" for low in DECILES[:-1]]


@dataclass(frozen=True)
class Groups:
    """Groups with enough filters and models: `counts` `[N, d, bins]` within the range of a set's histograms.

    `table`: a row per group, `group`, `models`, `clusters` (independent ones), `filters`; `left_out`: the same of
    groups that are too small.
    """

    table: pd.DataFrame
    left_out: pd.DataFrame
    counts: np.ndarray


def depth_decile(conv_depth_norm: pd.Series) -> pd.Series:
    """The tenth of its network's depth that a layer lies in: `[0.0, 0.1]`, `(0.1, 0.2]`, ..., null where unknown."""
    return pd.cut(conv_depth_norm.astype(float), DECILES, labels=DECILE_NAMES, include_lowest=True)


def merged_tasks(tasks: pd.Series) -> pd.Series:
    """Tasks with all kinds of segmentation as one, as the authors' notebook has them."""
    return tasks.mask(tasks.str.contains("segmentation", case=False, na=False), "segmentation")


def clusters(models: pd.DataFrame) -> pd.Series:
    """A number for each network, a row of `models`, that it shares with those that it is not independent of.

    These are of one `Package` or of one family (`Name`), or of one with a third; null joins nobody.
    """
    number, chains = np.arange(len(models)), []
    for column in ("Package", "Name"):
        for _, rows in pd.Series(number).groupby(models[column].to_numpy()):
            chains += [(rows.iloc[0], row) for row in rows.iloc[1:]]
    one, other = np.array(chains, int).reshape(-1, 2).T
    joined = coo_array((np.ones(len(one)), (one, other)), shape=(len(models), len(models)))
    return pd.Series(connected_components(joined, directed=False)[1], models.index)


def gather(layers: pd.DataFrame, labels: pd.Series, counts: np.ndarray, least: FilterSet) -> Groups:
    """Sum the layers' histograms by group; groups of the set with less than it asks for are left out.

    `layers`: rows with `model`, `cluster` and `filters`, `labels` the group of each, null for none;
    `counts` `[L, d, bins]` of these rows. Groups come in the order of their names, deciles in that of depth.
    """
    table, sums = [], []
    for group, rows in layers.assign(position=np.arange(len(layers))).groupby(labels, observed=True):
        table.append((group, rows["model"].nunique(), rows["cluster"].nunique(), int(rows["filters"].sum())))
        sums.append(counts[rows["position"]].sum(axis=0))
    sizes = pd.DataFrame(table, columns=["group", "models", "clusters", "filters"])
    totals = np.array(sums, np.int64).reshape(-1, *counts.shape[1:])
    enough = (sizes["filters"] >= least.min_filters) & (sizes["models"] >= least.min_models)
    enough &= totals.any(axis=-1).all(axis=-1)  # networks that do not define the range may lie outside throughout
    return Groups(sizes[enough].reset_index(drop=True), sizes[~enough].reset_index(drop=True), totals[enough])
