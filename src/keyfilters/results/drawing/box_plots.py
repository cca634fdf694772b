"""Distributions of drift as box plots, which several figures have."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from keyfilters.results.drawing import palette

MIN_VALUES = 5  # values that a box has
NOTE = (
    "Boxes: quartiles and median; triangles: means; whiskers: the farthest pair within 1.5 times the box; points: the "
    "pairs beyond."
)


def draw(axis: plt.Axes, values: Mapping[str, pd.Series], vertical: bool = True) -> None:
    """A box for each name, dots where there are too few values for one; on a logarithmic scale, since drift spans
    magnitudes."""
    for position, of in enumerate(values.values(), start=1):
        if len(of) < MIN_VALUES:
            across = np.full(len(of), position)
            places = (across, of) if vertical else (of, across)
            axis.plot(*places, "o", color=palette.BLUE, markersize=4)
    drawn = axis.boxplot(
        [of.to_numpy() if len(of) >= MIN_VALUES else [] for of in values.values()],
        orientation="vertical" if vertical else "horizontal",
        showmeans=True,
        flierprops={"marker": ".", "markersize": 3, "markerfacecolor": palette.GREY, "markeredgecolor": "none"},
        meanprops={"markersize": 5, "markerfacecolor": palette.GREEN, "markeredgecolor": "none"},
        medianprops={"color": palette.BLACK},
    )
    for points in drawn["fliers"]:
        points.set_rasterized(True)
    ticks = axis.set_xticks if vertical else axis.set_yticks
    ticks(np.arange(len(values)) + 1, list(values))
    scale = axis.set_yscale if vertical else axis.set_xscale
    if any((of > 0).any() for of in values.values()):
        scale("log")
    axis.grid(axis="y" if vertical else "x")


def summary(values: Mapping[str, pd.Series], name: str) -> pd.DataFrame:
    """A row for people of each name: pairs, mean and quartiles."""
    rows = []
    for label, of in values.items():
        quartiles = of.quantile([0, 0.25, 0.5, 0.75, 1]) if len(of) else []
        numbers = [*([of.mean()] if len(of) else []), *quartiles]
        rows.append([label, f"{len(of):,}", *(f"{number:.3f}" for number in numbers), *[""] * (6 - len(numbers))])
    return pd.DataFrame(rows, columns=[name, "Pairs", "Mean", "Least", "First quartile", "Median", "Third", "Most"])
