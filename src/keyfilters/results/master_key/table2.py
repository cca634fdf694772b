"""`keyfilters table2`: frozen depthwise filters of every source in every target (Table 2 of Master Key Filters)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keyfilters.results.drawing import cells
from keyfilters.results.drawing.arrows import THRESHOLD
from keyfilters.results.drawing.cross import cross


def table2(description: Mapping[str, Any], file: Path) -> None:
    """Render `<results>/tables/table2.*` from `<results>/cells`; each row is compared with its selffer."""
    results = file.parents[1]
    records = cells.load(description, results)
    selffers = {
        record["target"]["name"]: record["mean"]
        for record in records
        if not cells.control(record) and record["source"]["name"] == record["target"]["name"]
    }
    notes = [
        cells.basis(records, results.name),
        f"Arrows and colours: {THRESHOLD} points or more above (green) or below (red) the row's selffer, whose "
        "filters come from the target itself; sets by descending number of training images.",
        cells.choices(records, "depthwise convolution"),
    ]
    title = "Table 2: accuracy (%) with frozen depthwise filters of the source"
    cross(description, file, records, selffers, "selffer", title, notes)
