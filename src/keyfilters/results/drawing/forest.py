"""Forest plots: effects with their intervals, one below the other."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from keyfilters.results.drawing import files, palette
from keyfilters.results.drawing.style import WIDTH

LETTERS = 60  # of a line of a claim
LINEAR = 2.0  # points on both sides of 0 that the axis has linearly; what decides lies there
MARGIN = 0.3  # of the largest effects, beyond all that is drawn


def named(row: Mapping[str, Any]) -> str:
    """The text of a claim, and whether it is ours."""
    return row["claim"] + (" (ours)" if row["ours"] else "")


def forest(rows: Sequence[Mapping[str, Any]], title: str, notes: Sequence[str]) -> Figure:
    """A line for each claim: the effect with its interval, the paper's, the range that is claimed, the verdict."""
    drawn = [row for row in rows if row["effect"] is not None]
    figure, axes = plt.subplots(figsize=(WIDTH, 1 + 0.3 * max(1, len(drawn))), layout="constrained")
    reach = [row[name] for row in drawn for name in ("effect", "low", "high", "paper_effect") if row[name] is not None]
    left, right = (1 + MARGIN) * min([-LINEAR, *reach]), (1 + MARGIN) * max([LINEAR, *reach])
    for position, row in enumerate(reversed(drawn)):
        low = left if row["claimed_low"] is None else row["claimed_low"]
        high = right if row["claimed_high"] is None else row["claimed_high"]
        axes.barh(position, high - low, left=low, height=0.8, color=palette.CLAIMED, zorder=0)
        colour = palette.CLAIMS.get(row["verdict"], palette.GREY)
        if row["low"] is not None:
            axes.plot([row["low"], row["high"]], [position] * 2, color=colour, linewidth=2)
        axes.plot(row["effect"], position, "o", color=colour, markersize=5)
        if row["paper_effect"] is not None:
            axes.plot(row["paper_effect"], position, "*", color=palette.BLACK, markerfacecolor="none", markersize=9)
        wants = row["verdict"] == "undecided" and row["seeds_needed"]
        needed = f" ({row['seeds_needed']} seeds needed)" if wants else ""
        axes.annotate(
            f"{row['verdict']}, n = {row['n']}{needed}",
            (1.01, position),
            xycoords=("axes fraction", "data"),
            va="center",
            color=colour,
        )
    axes.axvline(0, color=palette.BLACK, linewidth=0.8)
    axes.set_xscale("symlog", linthresh=LINEAR, linscale=2)
    ticks = [tick for tick in (-50, -10, -2, -1, 0, 1, 2, 10, 50) if left <= tick <= right]
    axes.set_xticks(ticks, [f"{tick:+d}" if tick else "0" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set(xlim=(left, right), ylim=(-0.6, max(1, len(drawn)) - 0.4))
    axes.set_yticks(range(len(drawn)), [textwrap.fill(named(row), LETTERS) for row in reversed(drawn)])
    axes.tick_params(axis="y", length=0)
    shaded = "shaded: the range that is claimed"
    star = "; star: the paper's" if any(row["paper_effect"] is not None for row in drawn) else ""
    axes.set_xlabel(f"effect (points of accuracy; beyond {LINEAR:g} logarithmic)\n{shaded}{star}")
    axes.spines["left"].set_visible(False)
    files.heading(figure, title)
    files.caption(figure, notes[:2])
    return figure
