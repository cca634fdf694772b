"""The figure `filterdb_ablation`: drift between groups with and without degenerated layers (section 5)."""

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
from keyfilters.results.drawing import files, filters, palette
from keyfilters.results.drawing.style import WIDTH

MAX_NAMED = 5  # networks that a note names


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
        largest = taken.nlargest(MAX_NAMED)
        names = ", ".join(f"{name} {count:,}" for name, count in largest.items())
        notes.append(f"Of the {taken.sum():,} filters taken out, {largest.sum() / taken.sum():.0%} are of {names}.")
    alone = table.loc[table["pairs"] == 0, "grouping"].map(filters.GROUPINGS)
    if len(alone):
        notes.append(f"Fewer than two such groups, so no drift: {', '.join(alone)}.")
    title = "Ablation: mean drift between groups with and without degenerated layers"
    spread = [_quartiles(tables, grouping) for grouping in frame["grouping"]]
    draw = partial(_draw, frame, spread, title, notes)
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


def _quartiles(tables: filters.Tables, grouping: str) -> np.ndarray:
    """The first and third quartile of D over the pairs that the means of a grouping are over, `[2, 2]`: with all
    layers, and without the degenerated ones."""
    whole, ablated = (tables.drift(grouping, suffix) for suffix in ("", "_ablated"))
    both = [name for name in whole[0]["group"] if name in {*ablated[0]["group"]}]
    quartiles = []
    for groups, drift in (whole, ablated):
        rows = pd.Index(groups["group"]).get_indexer(both)
        pairs = drift[np.ix_(rows, rows)][np.triu_indices(len(both), k=1)]
        quartiles.append(np.quantile(pairs, (0.25, 0.75)))
    return np.stack(quartiles)


def _draw(frame: pd.DataFrame, spread: list[np.ndarray], title: str, notes: list[str]) -> Figure:
    figure, axis = plt.subplots(figsize=(WIDTH, 4), layout="constrained")
    axis.set_title(title)
    positions = np.arange(len(frame))
    kinds = (
        ("mean_drift", "all layers", palette.BLUE),
        ("mean_drift_ablated", "without degenerated layers", palette.ORANGE),
    )
    for kind, (column, label, colour) in enumerate(kinds):
        middles = positions + 0.4 * kind - 0.2
        axis.bar(middles, frame[column], 0.4, label=label, color=colour)
        low, high = np.array([of[kind] for of in spread]).reshape(-1, 2).T
        axis.vlines(middles, low, high, color=palette.BLACK, label="quartiles of the pairs" if kind else None)
    names = frame["grouping"].map(filters.GROUPINGS)
    counts = zip(names, frame["groups"], frame["pairs"], strict=True)
    labels = [f"{name}\n{groups} groups\n{pairs:,} pairs" for name, groups, pairs in counts]
    axis.set_xticks(positions, labels)
    axis.set_ylabel("mean drift D (nats)")
    axis.legend()
    files.caption(figure, notes)
    return figure
