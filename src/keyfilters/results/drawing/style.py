"""How images look: wide enough for a page and no wider, with letters that are legible there."""

from __future__ import annotations

from typing import Any

from cycler import cycler

from keyfilters.results.drawing import palette

WIDTH = 9.0  # inches of the widest image: a page shows it in some 900 pixels, and so a point in 1.4 of them
MIN_POINTS = 7.0  # points of the smallest letters

STYLE: dict[str, Any] = {
    "font.size": 8,
    "figure.titlesize": 10,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=palette.CYCLE),
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "grid.color": palette.PALE,
    "grid.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.title_fontsize": 8,
    "legend.edgecolor": "none",
}
"""Of matplotlib, for every image that is published."""
