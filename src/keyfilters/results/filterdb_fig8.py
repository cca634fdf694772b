"""`keyfilters filterdb_fig8`: drift between tasks, visual categories, training sets and depth deciles (Figure 8)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from keyfilters.results import files, filters

GROUPINGS = ("task", "visual_category", "training_set", "depth_decile")


def filterdb_fig8(description: Mapping[str, Any], root: Path, file: Path) -> None:
    """Render `<results>/figures/filterdb_fig8.*` from the tables of a set of filters."""
    tables = filters.load(description, file.parents[1])
    panels = {
        grouping: tables.drift(grouping) if grouping == "depth_decile" else sorted_by_mean(*tables.drift(grouping))
        for grouping in GROUPINGS
    }
    notes = [*tables.notes, *tables.note_of_left_out(GROUPINGS)]
    notes.append("Rows in the order of their mean D, deciles in that of depth; networks in brackets; D (5) in nats.")
    title = "Figure 8: drift D between groups of filters"
    shown = pd.concat([_shown(grouping, *panel) for grouping, panel in panels.items()])
    frame = pd.concat([_long(grouping, *panel) for grouping, panel in panels.items()])
    draw = partial(_draw, panels, title, notes)
    files.publish(description, file, frame, shown, title, notes, draw, numbers=filters.NUMBERS)


def sorted_by_mean(groups: pd.DataFrame, drift: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    """Groups and their drift `[N, N]` in the order of their mean drift."""
    order = drift.mean(axis=1).argsort(kind="stable")
    return groups.iloc[order].reset_index(drop=True), drift[np.ix_(order, order)]


def _shown(grouping: str, groups: pd.DataFrame, drift: np.ndarray) -> pd.DataFrame:
    mean = drift.sum(axis=1) / max(len(drift) - 1, 1)
    return pd.DataFrame(
        {
            "Grouping": filters.GROUPINGS[grouping],
            "Group": groups["group"],
            "Networks": groups["models"],
            "Filters": [f"{count:,}" for count in groups["filters"]],
            "Mean D to the others": [f"{value:.3f}" for value in mean],
        }
    )


def _long(grouping: str, groups: pd.DataFrame, drift: np.ndarray) -> pd.DataFrame:
    """A row per pair of groups, in both orders and of each with itself."""
    size = len(groups)
    one, other = np.divmod(np.arange(size * size), max(size, 1))
    table = groups.iloc[one].reset_index(drop=True)
    table.insert(0, "grouping", grouping)
    return table.assign(other=groups["group"].to_numpy()[other], drift=drift.ravel())


def _draw(panels: Mapping[str, tuple[pd.DataFrame, np.ndarray]], title: str, notes: list[str]) -> Figure:
    figure, axes = plt.subplots(2, 2, figsize=(13, 11), layout="constrained")
    figure.suptitle(title, fontsize=11, x=0.01, ha="left")
    for axis, (grouping, panel) in zip(axes.flat, panels.items(), strict=True):
        heat_map(figure, axis, filters.GROUPINGS[grouping].capitalize(), *panel)
    files.caption(figure, notes)
    return figure


def heat_map(figure: Figure, axis: plt.Axes, title: str, groups: pd.DataFrame, drift: np.ndarray) -> None:
    """D between groups; dark is little."""
    axis.set_title(title, fontsize=9, loc="left")
    if groups.empty:
        axis.axis("off")
        axis.text(0.5, 0.5, "no group has enough filters", ha="center", fontsize=8)
        return
    image = axis.imshow(drift, cmap="inferno", vmin=0)
    size = max(3.5, min(7.0, 130 / len(groups)))
    axis.set_xticks(range(len(groups)), filters.labels(groups), rotation=90, fontsize=size)
    axis.set_yticks(range(len(groups)), filters.labels(groups), fontsize=size)
    figure.colorbar(image, ax=axis, shrink=0.7).ax.tick_params(labelsize=6)
