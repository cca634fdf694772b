"""`keyfilters fig2a`: the experiment of Yosinski et al. 2014 with a plain network (Figure 2a of Master Key Filters)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keyfilters.results.drawing.curve import curve


def fig2a(description: Mapping[str, Any], file: Path) -> None:
    """Render `<results>/figures/fig2a.*` from `<results>/cells`."""
    notes = ["AnB: layers 1 to n from A, frozen; BnB: from B itself; +: trained along (Yosinski et al. 2014)."]
    title = "Figure 2a: first n layers of a plain eight-layer network transferred"
    curve(description, file, title, "convolutional layers", notes, relative=True)
