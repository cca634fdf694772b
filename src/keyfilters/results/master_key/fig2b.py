"""The figure `fig2b`: the first n convolutions of a ResNet transferred (Figure 2b of Master Key Filters)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keyfilters.results.drawing import paper
from keyfilters.results.drawing.curve import Curve, curve, gather

NOTE = (
    "AnB: convolutions 1 to n from A, frozen, the rest trained from random weights. Of its curve the paper prints that "
    "92.5 % are kept with all 49."
)


def fig2b(description: Mapping[str, Any], file: Path) -> None:
    """Render `<results>/figures/fig2b.*` from `<results>/cells`."""
    curve(description, file, panel, [NOTE])


def panel(records: Sequence[Mapping[str, Any]]) -> Curve:
    """The curve of the figure's cells."""
    title = "Figure 2b: first n convolutions of a ResNet transferred"
    kept = paper.numbers("fig2b")["AnB", "49"]
    return gather(records, title, "convolutions", relative=True, printed=kept)
