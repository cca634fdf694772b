"""`keyfilters fig4`: depthwise layers of a distant source and of the target (Figure 4 of Master Key Filters)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keyfilters.results.drawing import cells
from keyfilters.results.drawing.curve import curve


def fig4(description: Mapping[str, Any], file: Path) -> None:
    """Render `<results>/figures/fig4.*` from `<results>/cells`."""
    base, *transferred = cells.load(description, file.parents[1])
    target = base["target"]["title"]
    names = {
        record["role"]["series"]: f"{record['source']['title']} to {target}"
        for record in transferred
        if not cells.control(record)
    }
    title = f"Figure 4: first n depthwise layers transferred to {target}"
    curve(description, file, title, "depthwise layers", [], relative=False, names=names)
