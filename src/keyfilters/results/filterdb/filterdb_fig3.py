"""The figure `filterdb_fig3`: densities of coefficients by visual category, along each component (Figure 3)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from keyfilters.analysis.basis import Bins
from keyfilters.analysis.groups import GROUPINGS, Groups, gather
from keyfilters.config.analysis import FilterSet
from keyfilters.results.drawing import files, filters, palette
from keyfilters.results.drawing.style import WIDTH

GROUPING = "visual_category"
SHOWN = 0.999  # share of all coefficients that the drawn range has, so that empty tails take no room


def filterdb_fig3(description: Mapping[str, Any], root: Path, file: Path) -> None:
    """Render `<results>/figures/filterdb_fig3.*` from the histograms of a set of filters."""
    settings = description["settings"]
    tables = filters.load(description, file.parents[1])
    layers = tables.layers
    distributions = filters.distributions(description, root, layers)
    least = FilterSet(min_filters=settings["min_filters"], min_models=settings["min_models"])
    groups = gather(layers, layers[GROUPINGS[GROUPING]], distributions.counts, least)
    whole = gather(layers, pd.Series("all", layers.index), distributions.counts, FilterSet(min_filters=1))
    drawn = _chosen(groups, settings["groups"])
    components = min(settings["components"], distributions.bins.basis.dimensions)
    frame = pd.concat([densities(of, distributions.bins, components) for of in (whole, drawn) if len(of.table)])
    notes = [
        *tables.notes,
        *tables.left_out_of(GROUPING),
        *tables.missing(GROUPING),
        "Density of the coefficients in each bin of the histograms, of the group (coloured) and of all filters (line), "
        f"each scaled to its highest; the range has {SHOWN:.1%} of all coefficients. In brackets: networks; of the "
        "components, their share of the variance of all filters.",
    ]
    title = "Figure 3: distributions of the coefficients along each component, by visual category"
    shown = drawn.table.assign(filters=[f"{count:,}" for count in drawn.table["filters"]])
    shown.columns = ["Visual category", "Networks", "Independent", "Filters"]
    draw = partial(_draw, whole, drawn, distributions.bins, components, title, notes)
    files.publish(description, file, frame, shown, title, notes, draw, numbers=filters.NUMBERS)


def _chosen(groups: Groups, names: list[str] | None) -> Groups:
    """The named groups of those that are large enough; None is all."""
    if names is None:
        return groups
    kept = groups.table["group"].isin(names).to_numpy()
    return Groups(groups.table[kept].reset_index(drop=True), groups.left_out, groups.counts[kept])


def densities(groups: Groups, bins: Bins, components: int) -> pd.DataFrame:
    """A row per group, component and bin: `low` and `high` edge, `count` and `density`."""
    rows = []
    for group, counts in zip(groups.table.itertuples(index=False), groups.counts, strict=True):
        for component in range(components):
            table = pd.DataFrame({"low": bins.edges[:-1], "high": bins.edges[1:], "count": counts[component]})
            table["density"] = counts[component] / counts[component].sum() / bins.width
            for column, value in reversed([*zip(group._fields, group, strict=True), ("component", component + 1)]):
                table.insert(0, column, value)
            rows.append(table)
    return pd.concat(rows, ignore_index=True)


def shown_range(counts: np.ndarray, edges: np.ndarray) -> tuple[float, float]:
    """The edges between which `SHOWN` of all `counts [d, bins]` lie, as much left out at either end at the most."""
    shares = counts.sum(axis=0).cumsum() / counts.sum()
    low, high = np.searchsorted(shares, [(1 - SHOWN) / 2, (1 + SHOWN) / 2])
    return edges[low], edges[min(high + 1, len(edges) - 1)]


def _draw(whole: Groups, drawn: Groups, bins: Bins, components: int, title: str, notes: list[str]) -> Figure:
    size = len(drawn.table)
    figure, axes = plt.subplots(
        max(size, 1), components, figsize=(WIDTH, 0.45 * size + 1.8), layout="constrained", squeeze=False, sharex=True
    )
    files.heading(figure, title)
    low, high = shown_range(whole.counts[0], bins.edges)
    middles = (bins.edges[1:] + bins.edges[:-1]) / 2
    within = (middles >= low) & (middles <= high)
    for row, (axis_row, label) in enumerate(zip(axes, filters.labels(drawn.table), strict=False)):
        for component, axis in enumerate(axis_row):
            of_group, of_all = (
                counts[component] / counts[component].max() for counts in (drawn.counts[row], whole.counts[0])
            )
            axis.fill_between(middles[within], of_group[within], color=palette.SKY, linewidth=0)
            axis.plot(middles[within], of_all[within], color=palette.BLACK, linewidth=0.7)
            axis.set(xlim=(low, high), ylim=(0, 1.05), yticks=[])
            axis.spines[["left", "right", "top"]].set_visible(False)
            if row == 0:
                axis.set_title(f"{component + 1} ({bins.basis.ratios[component]:.0%})", loc="center")
            if row == size - 1:
                axis.set_xlabel("coefficient")
        axis_row[0].set_ylabel(label, rotation=0, ha="right", va="center")
    files.caption(figure, notes)
    return figure
