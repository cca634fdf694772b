"""Drift between groups of filters as heat maps, which several figures have."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from keyfilters.results.drawing import files, filters, palette

ROW = 0.17  # inches of a row
SIZE = 7.5  # points of the labels
MAX_NUMBERED = 30  # columns that each have their number
STEP = 5  # between the numbers of more columns
LABEL = 48  # characters of a label
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


def height(rows: int) -> float:
    """Inches of a map in which the labels do not collide."""
    return 0.5 + ROW * max(rows, 4)


def draw(
    figure: Figure, axis: plt.Axes, title: str, labels: Sequence[str], drift: np.ndarray, unit: str = "D (nats)"
) -> None:
    """One heat map; dark is little drift. Columns are numbered as the rows are."""
    axis.set_title(title)
    if not len(drift):
        axis.axis("off")
        axis.text(0.5, 0.5, "no group has enough filters", ha="center")
        return
    # An aspect of one would be set after the labels have been given their room, and some would end up outside.
    image = axis.imshow(drift, cmap=palette.DRIFT, aspect="auto", norm=PowerNorm(0.5, vmin=0, vmax=drift.max() or 1))
    numbers = range(1, len(labels) + 1)
    named = [f"{files.shortened(label, LABEL)}  {number}" for number, label in zip(numbers, labels, strict=True)]
    columns = [number for number in numbers if len(labels) <= MAX_NUMBERED or number % STEP == 0]
    axis.set_xticks([number - 1 for number in columns], columns, fontsize=SIZE)
    axis.set_yticks(range(len(labels)), named, fontsize=SIZE)
    axis.spines[:].set_visible(False)
    figure.colorbar(image, ax=axis, aspect=15, label=unit).ax.locator_params(nbins=5)
