"""The figure `fig4`: depthwise layers of a distant source and of the target (Figure 4 of Master Key Filters)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keyfilters.results.drawing import cells, paper
from keyfilters.results.drawing.curve import Curve, curve, gather

SOURCE, TARGET = "Food 101", "Oxford-IIIT Pets"  # of the paper


def fig4(description: Mapping[str, Any], file: Path) -> None:
    """Render `<results>/figures/fig4.*` from `<results>/cells`."""
    base, with_all = paper.numbers("table7")["Accuracy", TARGET], paper.numbers("table2")
    notes = [
        f"Of its curve, with another set and another source, the paper prints both ends, in Tables 7 and 2: {base:.1f} "
        f"% at n = 0, and with all 12 layers {with_all[TARGET, SOURCE]:.1f} % from {SOURCE} and "
        f"{with_all[TARGET, TARGET]:.1f} % from {TARGET} itself.",
    ]
    curve(description, file, panel, notes)


def panel(records: Sequence[Mapping[str, Any]]) -> Curve:
    """The curve of the figure's cells."""
    target = records[0]["target"]["title"]
    names = {
        record["role"]["series"]: f"{record['source']['title']} to {target}"
        for record in records
        if record["source"] and not cells.control(record)
    }
    title = f"Figure 4: first n depthwise layers transferred to {target}"
    return gather(records, title, "depthwise layers", relative=False, names=names)
