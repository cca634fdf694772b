"""The figure `fig2c`: the first n depthwise layers of a ConvNeXt transferred (Figure 2c of Master Key Filters)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keyfilters.results.drawing import paper
from keyfilters.results.drawing.curve import Curve, curve, gather

NOTE = (
    "AnB: depthwise filters of layers 1 to n from A, frozen, all else trained from random weights. Of its curve the "
    "paper prints the last point, in Table 1: 86.9 % against 86.9 % of base B with all 18 of a ConvNeXt tiny."
)


def fig2c(description: Mapping[str, Any], file: Path) -> None:
    """Render `<results>/figures/fig2c.*` from `<results>/cells`."""
    curve(description, file, panel, [NOTE])


def panel(records: Sequence[Mapping[str, Any]]) -> Curve:
    """The curve of the figure's cells."""
    title = "Figure 2c: first n depthwise layers of a ConvNeXt transferred"
    table1 = paper.numbers("table1")
    kept = 100 * table1["Accuracy", "Transferred"] / table1["Accuracy", "Baseline"]
    return gather(records, title, "depthwise layers", relative=True, printed=kept)
