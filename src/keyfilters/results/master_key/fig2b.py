"""`keyfilters fig2b`: the first n convolutions of a ResNet transferred (Figure 2b of Master Key Filters)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keyfilters.results.drawing.curve import curve


def fig2b(description: Mapping[str, Any], file: Path) -> None:
    """Render `<results>/figures/fig2b.*` from `<results>/cells`."""
    notes = ["AnB: convolutions 1 to n from A, frozen, the rest trained from random weights."]
    title = "Figure 2b: first n convolutions of a ResNet transferred"
    curve(description, file, title, "convolutions", notes, relative=True)
