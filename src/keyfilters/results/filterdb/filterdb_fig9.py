"""The figure `filterdb_fig9`: drift between pairs of networks by depth decile (Figure 9)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from keyfilters.analysis.groups import DECILE_NAMES
from keyfilters.results.drawing import box_plots, files, filters


def filterdb_fig9(description: Mapping[str, Any], root: Path, file: Path) -> None:
    """Render `<results>/figures/filterdb_fig9.*` from the tables of a set of filters."""
    tasks = description["settings"]["tasks"]
    tables = filters.load(description, file.parents[1])
    layers = tables.layers
    of_task = layers if tasks is None else layers[layers["Task"].isin(tasks)]
    of_task = of_task[~of_task["Name"].str.startswith(filters.LOW_RESOLUTION, na=False)]
    task_names = "all tasks" if tasks is None else ", ".join(tasks)
    pairs = tables.read("drift_by_decile.parquet")
    pairs = pairs[pairs["one"].isin(of_task["model"]) & pairs["other"].isin(of_task["model"])]
    values = {decile: pairs.loc[pairs["depth_decile"] == decile, "drift"] for decile in DECILE_NAMES}
    drawn = of_task[of_task["model"].isin([*pairs["one"], *pairs["other"]])]
    notes = [
        *tables.notes,
        f"Drawn: {len(pairs):,} pairs of {drawn['model'].nunique()} networks for {task_names} with "
        f"{drawn['filters'].sum():,} filters, low-resolution ones left out; a network is in a decile if it has enough "
        f"filters there; D (5) in nats. {box_plots.NOTE}",
    ]
    notes += tables.without_depth()
    empty = [decile for decile, of in values.items() if of.empty]
    if empty:
        notes.append(f"Deciles without two such networks: {', '.join(empty)}.")
    title = f"Figure 9: drift D between networks for {task_names} by depth decile"
    shown = box_plots.summary(values, "Depth decile")
    draw = partial(_draw, values, title, notes)
    files.publish(description, file, pairs, shown, title, notes, draw, numbers=filters.NUMBERS)


def _draw(values: Mapping[str, pd.Series], title: str, notes: list[str]) -> Figure:
    figure, axis = plt.subplots(figsize=(7, 4.5), layout="constrained")
    axis.set_title(title)
    box_plots.draw(axis, {f"{decile} ({len(of)})": of for decile, of in values.items()}, vertical=False)
    axis.set_ylabel("depth decile (pairs)")
    few = any(0 < len(of) < box_plots.MIN_VALUES for of in values.values())
    axis.set_xlabel("drift D (nats)" + f"; dots: fewer than {box_plots.MIN_VALUES} pairs" * few)
    files.caption(figure, notes)
    return figure
