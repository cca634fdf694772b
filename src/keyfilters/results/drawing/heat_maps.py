"""Drift between groups of filters as heat maps, which several figures have."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from keyfilters.results.drawing import files, filters

SIZES = (3.5, 7.5)  # of the labels, in points: the more rows, the smaller
UPRIGHT = 20  # columns whose numbers stand beside each other
POINTS = 250  # that the labels of a map have together
LABEL = 36  # characters of a label
NOTE = "Colours are of the square root of D, so that one distant group leaves the others distinguishable."


def sorted_by_mean(groups: pd.DataFrame, drift: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    """Groups and the drift between them `[N, N]` in the order of their mean drift."""
    order = drift.mean(axis=1).argsort(kind="stable") if len(groups) else []
    return groups.iloc[order].reset_index(drop=True), drift[np.ix_(order, order)]


def as_rows(grouping: str, groups: pd.DataFrame, drift: np.ndarray) -> pd.DataFrame:
    """A row per pair of groups, in both orders and of each with itself."""
    one, other = (index.ravel() for index in np.indices(drift.shape))
    table = groups.iloc[one].reset_index(drop=True)
    table.insert(0, "grouping", grouping)
    return table.assign(other=groups["group"].to_numpy()[other], drift=drift.ravel())


def shown(grouping: str, groups: pd.DataFrame, drift: np.ndarray) -> pd.DataFrame:
    """A row per group for people."""
    mean = drift.sum(axis=1) / max(len(drift) - 1, 1)
    return pd.DataFrame(
        {
            "Grouping": filters.GROUPINGS[grouping],
            "Group": groups["group"],
            "Networks": groups["models"],
            "Independent": groups["clusters"],
            "Filters": [f"{count:,}" for count in groups["filters"]],
            "Phenotype": groups["phenotype"],
            "Mean D to the others": [f"{value:.3f}" for value in mean],
        }
    )


def draw(figure: Figure, axis: plt.Axes, title: str, labels: Sequence[str], drift: np.ndarray) -> None:
    """One heat map; dark is little drift. Columns are numbered as the rows are."""
    axis.set_title(title, fontsize=9, loc="left")
    if not len(drift):
        axis.axis("off")
        axis.text(0.5, 0.5, "no group has enough filters", ha="center", fontsize=8)
        return
    # An aspect of one would be set after the labels have been given their room, and some would end up outside.
    image = axis.imshow(drift, cmap="inferno", aspect="auto", norm=PowerNorm(0.5, vmin=0, vmax=drift.max() or 1))
    size = float(np.clip(POINTS / len(labels), *SIZES))
    numbers = range(1, len(labels) + 1)
    named = [f"{files.shortened(label, LABEL)}  {number}" for number, label in zip(numbers, labels, strict=True)]
    axis.set_xticks(range(len(labels)), numbers, fontsize=size, rotation=90 if len(labels) > UPRIGHT else 0)
    axis.set_yticks(range(len(labels)), named, fontsize=size)
    figure.colorbar(image, ax=axis, shrink=0.7).ax.tick_params(labelsize=6)
