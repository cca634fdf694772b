"""The figure `filterdb_fig8`: drift between tasks, visual categories, training sets and depth deciles (Figure 8)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from keyfilters.results.drawing import files, filters, heat_maps
from keyfilters.results.drawing.style import WIDTH

GROUPINGS = ("task", "visual_category", "training_set", "depth_decile")


def filterdb_fig8(description: Mapping[str, Any], root: Path, file: Path) -> None:
    """Render `<results>/figures/filterdb_fig8.*` from the tables of a set of filters."""
    tables = filters.load(description, file.parents[1])
    panels = {
        grouping: heat_maps.sorted_by_mean(*tables.drift(grouping))
        if grouping != "depth_decile"
        else tables.drift(grouping)
        for grouping in GROUPINGS
    }
    notes = [*tables.notes, *tables.left_out_of(*GROUPINGS), *tables.missing("task", "visual_category")]
    notes += tables.without_depth()
    notes.append(
        "Rows in the order of their mean D, deciles in that of depth; in brackets the networks and how many of them "
        "are independent; D (5) in nats. " + heat_maps.NOTE
    )
    title = "Figure 8: drift D between groups of filters"
    shown = pd.concat([heat_maps.shown(grouping, *panel) for grouping, panel in panels.items()])
    frame = pd.concat([heat_maps.as_rows(grouping, *panel) for grouping, panel in panels.items()])
    draw = partial(_draw, panels, title, notes)
    files.publish(description, file, frame, shown, title, notes, draw, numbers=filters.NUMBERS)


def _draw(panels: Mapping[str, tuple[pd.DataFrame, np.ndarray]], title: str, notes: list[str]) -> Figure:
    heights = [heat_maps.height(len(groups)) for groups, _ in panels.values()]
    figure, axes = plt.subplots(
        len(panels), 1, figsize=(WIDTH, sum(heights) + 0.4), height_ratios=heights, layout="constrained"
    )
    files.heading(figure, title)
    for axis, (grouping, (groups, drift)) in zip(axes, panels.items(), strict=True):
        heading = filters.GROUPINGS[grouping].capitalize()
        heat_maps.draw(figure, axis, heading, filters.labels(groups), drift)
    files.caption(figure, notes)
    return figure
