"""The figure `fig2a`: the experiment of Yosinski et al. 2014 with a plain network (Figure 2a of Master Key Filters)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keyfilters.results.drawing.curve import Curve, curve, gather

NOTE = (
    "AnB: convolutions 1 to n from A, frozen; BnB: from B itself; +: trained along (Yosinski et al. 2014). The paper "
    "reproduces their plot and prints no number of it."
)


def fig2a(description: Mapping[str, Any], file: Path) -> None:
    """Render `<results>/figures/fig2a.*` from `<results>/cells`."""
    curve(description, file, panel, [NOTE])


def panel(records: Sequence[Mapping[str, Any]]) -> Curve:
    """The curve of the figure's cells."""
    title = "Figure 2a: first n layers of a plain eight-layer network transferred"
    return gather(records, title, "convolutions", relative=True)
