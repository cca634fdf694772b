"""Forest plots: effects with their intervals, one below the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from keyfilters.results.drawing import files, palette

COLOURS = {"supported": palette.GREEN, "contradicted": palette.VERMILLION, "undecided": palette.GREY}


def forest(rows: Sequence[Mapping[str, Any]], title: str, notes: Sequence[str]) -> Figure:
    """A line for each claim: the effect with its interval, the range that is claimed, the verdict."""
    drawn = [row for row in rows if row["effect"] is not None]
    figure, axes = plt.subplots(figsize=(9.5, 1.6 + 0.33 * max(1, len(drawn))), layout="constrained")
    reach = [abs(row[name]) for row in drawn for name in ("effect", "low", "high") if row[name] is not None]
    limit = 1.1 * (max(reach, default=0) or 1)
    for position, row in enumerate(reversed(drawn)):
        low = -limit if row["claimed_low"] is None else row["claimed_low"]
        high = limit if row["claimed_high"] is None else row["claimed_high"]
        axes.barh(position, high - low, left=low, height=0.8, color="#eef3f7", zorder=0)
        colour = COLOURS.get(row["verdict"], "#bbbbbb")
        if row["low"] is not None:
            axes.plot([row["low"], row["high"]], [position] * 2, color=colour, linewidth=2)
        axes.plot(row["effect"], position, "o", color=colour, markersize=5)
        needed = (
            f", {row['seeds_needed']} seeds needed" if row["verdict"] == "undecided" and row["seeds_needed"] else ""
        )
        axes.annotate(
            f"{row['verdict']}, n = {row['n']}{needed}",
            (1.01, position),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            color=colour,
        )
    axes.axvline(0, color="#333333", linewidth=0.8)
    axes.set_xlim(-limit, limit)
    axes.set_yticks(range(len(drawn)), [row["claim"] for row in reversed(drawn)], fontsize=8)
    axes.set_xlabel("effect (points of accuracy); shaded: the range that is claimed", fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    files.caption(figure, notes[:1])
    return figure
