"""The figure `filterdb_fig10`: drift between the networks of one family of architectures (Figure 10)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from keyfilters.results.drawing import files, filters, heat_maps
from keyfilters.results.drawing.style import WIDTH

SQUARE = 4.5  # inches of height at which a map of few networks is about as high as wide


def filterdb_fig10(description: Mapping[str, Any], root: Path, file: Path) -> None:
    """Render `<results>/figures/filterdb_fig10.*` from the tables of a set of filters."""
    family, task, own = (description["settings"][key] for key in ("family", "task", "low_resolution"))
    tables = filters.load(description, file.parents[1])
    groups, drift = tables.drift("model")
    networks_of = tables.layers.drop_duplicates("model").set_index("model")
    families = networks_of["Name"]
    wanted = families.str.contains(family, case=False, regex=False, na=False)
    if task is not None:
        wanted &= networks_of["Task"] == task
    if not own:
        wanted &= ~families.str.startswith(filters.LOW_RESOLUTION, na=False)
    chosen = groups["group"].map(wanted).to_numpy(bool)
    panel = heat_maps.sorted_by_mean(groups[chosen].reset_index(drop=True), drift[np.ix_(chosen, chosen)])
    networks = panel[0]["group"]
    scope = "networks for all tasks" if task is None else f"networks for {task}"
    lowres = "the low-resolution ones among them, which the paper leaves out" if own else "without low-resolution ones"
    notes = [
        *tables.notes,
        f"Drawn: {len(networks)} {scope} with {panel[0]['filters'].sum():,} filters whose family has {family!r} in "
        f"its name, {lowres}; rows in the order of their mean D; D (5) in nats. {heat_maps.NOTE}",
    ]
    title = f"Figure 10: drift D inside the family {family}"
    shown, frame = heat_maps.shown("model", *panel), heat_maps.as_rows("model", *panel)
    frame.insert(1, "family", frame["group"].map(families))
    draw = partial(_draw, networks.tolist(), panel[1], title, notes)
    files.publish(description, file, frame, shown, title, notes, draw, numbers=filters.NUMBERS)


def _draw(labels: list[str], drift: np.ndarray, title: str, notes: list[str]) -> Figure:
    height = max(heat_maps.height(len(labels)), min(0.5 * len(labels), SQUARE) + 0.5)
    figure, axis = plt.subplots(figsize=(WIDTH, height), layout="constrained")
    heat_maps.draw(figure, axis, title, labels, drift)
    files.caption(figure, notes)
    return figure
