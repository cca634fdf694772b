"""`keyfilters fig2c`: the first n depthwise layers of a ConvNeXt transferred (Figure 2c of Master Key Filters)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keyfilters.results.drawing.curve import curve


def fig2c(description: Mapping[str, Any], file: Path) -> None:
    """Render `<results>/figures/fig2c.*` from `<results>/cells`."""
    notes = ["AnB: depthwise filters of layers 1 to n from A, frozen, all else trained from random weights."]
    title = "Figure 2c: first n depthwise layers of a ConvNeXt transferred"
    curve(description, file, title, "depthwise layers", notes, relative=True)
