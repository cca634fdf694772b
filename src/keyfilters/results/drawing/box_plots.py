"""Distributions of drift as box plots, which several figures have."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

NOTE = (
    "Boxes: quartiles and median; triangles: means; whiskers: the farthest pair within 1.5 times the box; points: the "
    "pairs beyond."
)


def draw(axis: plt.Axes, values: Mapping[str, pd.Series], vertical: bool = True) -> None:
    """A box for each name that has values; on a logarithmic scale, since drift spans magnitudes."""
    drawn = axis.boxplot(
        [of.to_numpy() for of in values.values()],
        orientation="vertical" if vertical else "horizontal",
        showmeans=True,
        flierprops={"marker": ".", "markersize": 2, "markerfacecolor": "gray", "markeredgecolor": "none"},
        meanprops={"markersize": 4},
        medianprops={"color": "black"},
    )
    for points in drawn["fliers"]:
        points.set_rasterized(True)
    ticks = axis.set_xticks if vertical else axis.set_yticks
    ticks(np.arange(len(values)) + 1, list(values), fontsize=7)
    scale = axis.set_yscale if vertical else axis.set_xscale
    if any((of > 0).any() for of in values.values()):
        scale("log")
    axis.tick_params(labelsize=7)
    axis.grid(alpha=0.3, axis="y" if vertical else "x")


def summary(values: Mapping[str, pd.Series], name: str) -> pd.DataFrame:
    """A row for people of each name: pairs, mean and quartiles."""
    rows = []
    for label, of in values.items():
        quartiles = of.quantile([0, 0.25, 0.5, 0.75, 1]) if len(of) else []
        numbers = [*([of.mean()] if len(of) else []), *quartiles]
        rows.append([label, f"{len(of):,}", *(f"{number:.3f}" for number in numbers), *[""] * (6 - len(numbers))])
    return pd.DataFrame(rows, columns=[name, "Pairs", "Mean", "Least", "First quartile", "Median", "Third", "Most"])
