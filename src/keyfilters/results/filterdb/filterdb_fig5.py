"""The figure `filterdb_fig5`: the bases of some groups with their cumulative explained variance (Figure 5)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from keyfilters.analysis.basis import Basis, fit
from keyfilters.analysis.groups import GROUPINGS
from keyfilters.analysis.moments import merge
from keyfilters.results.drawing import files, filters, palette, weights
from keyfilters.results.drawing.style import MIN_POINTS, WIDTH

DEPTH = "conv_depth"  # of a layer among its network's convolutions, the first's 0

Bases = dict[str, tuple[int, Basis]]
"""Networks and basis of each group."""


def filterdb_fig5(description: Mapping[str, Any], root: Path, file: Path) -> None:
    """Render `<results>/figures/filterdb_fig5.*` from the moments of a set of filters."""
    settings = description["settings"]
    tables = filters.load(description, file.parents[1])
    layers = tables.layers
    distributions = filters.distributions(description, root, layers)
    bases: Bases = {}
    too_small = []
    for title, rows in {"all": np.ones(len(layers), bool), **_groups(layers, settings["groups"])}.items():
        moments = merge(
            (distributions.moments[row] for row in np.flatnonzero(rows)), distributions.bins.basis.dimensions
        )
        models = layers.loc[rows, "model"].nunique()
        if moments.count >= settings["min_filters"] and models >= settings["min_models"]:
            bases[title] = models, fit(moments)
        else:
            too_small.append(f"{title} ({models} networks, {moments.count:,} filters)")
    notes = [*tables.notes]
    if too_small:
        notes.append(f"Left out, for too few filters or networks: {', '.join(too_small)}.")
    notes += tables.missing("task", "visual_category")
    notes.append(
        "Principal components of each group's own filters, scaled by their peaks: blue is negative, white 0, red "
        "positive, full colour the basis' largest absolute entry; below them the share of the variance that they "
        "explain. A component's first largest entry is positive."
    )
    title = "Figure 5: bases of some groups of filters, with the cumulative explained variance"
    kernel = layers["kh"].iloc[0], layers["kw"].iloc[0]
    components = min(settings["components"], distributions.bins.basis.dimensions)
    draw = partial(_draw, bases, kernel, components, title, notes)
    files.publish(description, file, _frame(bases), _shown(bases), title, notes, draw, numbers=filters.NUMBERS)


def _groups(layers: pd.DataFrame, chosen: list[Mapping[str, str]]) -> dict[str, np.ndarray]:
    """The rows of each chosen group."""
    columns = {**GROUPINGS, DEPTH: DEPTH}
    names = {**filters.GROUPINGS, DEPTH: "depth"}
    layers = layers.assign(**{DEPTH: [f"{depth:g}" for depth in layers[DEPTH]]})
    return {
        f"{names[of['grouping']]} {of['group']}": (layers[columns[of["grouping"]]] == of["group"]).to_numpy()
        for of in chosen
    }


def _frame(bases: Bases) -> pd.DataFrame:
    """A row per group and component: its ratio, the ratios' sum up to it, and its entries."""
    rows = []
    for group, (models, basis) in bases.items():
        cumulative = basis.ratios.cumsum()
        for number, component in enumerate(basis.components):
            row = {"group": group, "models": models, "filters": basis.count, "component": number + 1}
            row |= {"ratio": basis.ratios[number], "cumulative": cumulative[number]}
            rows.append(row | {f"w{position}": entry for position, entry in enumerate(component)})
    return pd.DataFrame(rows)


def _shown(bases: Bases) -> pd.DataFrame:
    return pd.DataFrame(
        [
            [group, models, f"{basis.count:,}", " ".join(f"{ratio:.1%}" for ratio in basis.ratios[:9])]
            for group, (models, basis) in bases.items()
        ],
        columns=["Group", "Networks", "Filters", "Explained variance, the first components"],
    )


def _label(name: str) -> str:
    """A group without what groups it, where its own name says enough."""
    return name.removeprefix(f"{filters.GROUPINGS['visual_category']} ").removeprefix(f"{filters.GROUPINGS['task']} ")


def _draw(bases: Bases, kernel: tuple[int, int], components: int, title: str, notes: list[str]) -> Figure:
    figure = plt.figure(figsize=(WIDTH, 0.72 * len(bases) + 1.9), layout="constrained")
    files.heading(figure, title)
    images, curves = figure.subfigures(1, 2, width_ratios=(2.6, 1))
    axes = images.subplots(len(bases), components, squeeze=False)
    curve = curves.subplots()
    colours, markers = itertools.cycle(palette.CYCLE), itertools.cycle(palette.MARKERS)
    for row, (name, (models, basis)) in enumerate(bases.items()):
        group, largest = _label(name), np.abs(basis.components).max()
        for axis, component, ratio in zip(axes[row], basis.components, basis.ratios, strict=False):
            weights.show(axis, component.reshape(kernel), largest)
            axis.set_xlabel(f"{ratio:.1%}", fontsize=MIN_POINTS, labelpad=1)
        label = f"{group}\n{models} networks\n{basis.count:,} filters"
        axes[row, 0].set_ylabel(label, rotation=0, ha="right", va="center")
        numbers = np.arange(1, basis.dimensions + 1)
        line: dict[str, Any] = {"color": palette.BLACK, "linewidth": 2}  # all
        if row:
            line = {"color": next(colours), "marker": next(markers), "markersize": 4, "linewidth": 1}
        curve.plot(numbers, basis.ratios.cumsum(), label=group, **line)
    curve.set_ylim(0, 1.02)
    curve.set_xlabel("components")
    curve.set_ylabel("cumulative explained variance")
    curve.grid(axis="y")
    curve.legend(loc="lower right", fontsize=MIN_POINTS)
    files.caption(figure, notes)
    return figure
