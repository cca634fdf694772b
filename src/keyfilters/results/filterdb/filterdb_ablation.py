"""`keyfilters filterdb_ablation`: drift between groups with and without degenerated layers (section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from keyfilters.analysis.quality import DEGENERATED
from keyfilters.results.drawing import files, filters

MOST = 5  # networks that a note names


def filterdb_ablation(description: Mapping[str, Any], root: Path, file: Path) -> None:
    """Render `<results>/figures/filterdb_ablation.*` from the tables of a set of filters."""
    tables = filters.load(description, file.parents[1])
    table = tables.read("ablation.csv")
    frame = table[table["pairs"] > 0].reset_index(drop=True)
    verdicts = tables.layers["verdict"].value_counts()
    counted = ", ".join(f"{count:,} {verdict}" for verdict, count in verdicts.items())
    notes = [
        *tables.notes,
        f"Layers by verdict: {counted}. Without: the drift that is left when sparse, low-diversity and random layers "
        "are taken out; mean D (5) in nats over the same pairs of groups, those that have enough filters either way.",
    ]
    taken = tables.layers[tables.layers["verdict"].isin(DEGENERATED)].groupby("model")["filters"].sum()
    if len(taken):
        largest = taken.nlargest(MOST)
        names = ", ".join(f"{name} {count:,}" for name, count in largest.items())
        notes.append(f"Of the {taken.sum():,} filters taken out, {largest.sum() / taken.sum():.0%} are of {names}.")
    alone = table.loc[table["pairs"] == 0, "grouping"].map(filters.GROUPINGS)
    if len(alone):
        notes.append(f"Fewer than two such groups, so no drift: {', '.join(alone)}.")
    title = "Ablation: mean drift between groups with and without degenerated layers"
    draw = partial(_draw, frame, title, notes)
    files.publish(description, file, frame, _shown(frame), title, notes, draw, numbers=filters.NUMBERS)


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Grouping": frame["grouping"].map(filters.GROUPINGS),
            "Groups": frame["groups"],
            "Pairs": [f"{count:,}" for count in frame["pairs"]],
            "Mean D": [f"{value:.3f}" for value in frame["mean_drift"]],
            "Mean D without": [f"{value:.3f}" for value in frame["mean_drift_ablated"]],
        }
    )


def _draw(frame: pd.DataFrame, title: str, notes: list[str]) -> Figure:
    figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
    axis.set_title(title, fontsize=9, loc="left")
    positions = np.arange(len(frame))
    axis.bar(positions - 0.2, frame["mean_drift"], 0.4, label="all layers", color="#4477aa")
    axis.bar(positions + 0.2, frame["mean_drift_ablated"], 0.4, label="without degenerated layers", color="#ddaa33")
    names = frame["grouping"].map(filters.GROUPINGS)
    labels = [f"{name}\n{groups} groups" for name, groups in zip(names, frame["groups"], strict=True)]
    axis.set_xticks(positions, labels, fontsize=7)
    axis.tick_params(axis="y", labelsize=7)
    axis.set_ylabel("mean drift D (nats)", fontsize=8)
    axis.legend(fontsize=7)
    files.caption(figure, notes)
    return figure
