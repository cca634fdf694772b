"""The table `table5`: frozen pointwise layers of every source in every target (Table 5 of Master Key Filters)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keyfilters.results.drawing import cells
from keyfilters.results.drawing.arrows import RULE
from keyfilters.results.drawing.cross import cross


def table5(description: Mapping[str, Any], file: Path) -> None:
    """Render `<results>/tables/table5.*` from `<results>/cells`; each row is compared with its base model."""
    results = file.parents[1]
    every = cells.load(description, results)
    records = [record for record in every if record["source"]]
    bases = {record["target"]["name"]: record for record in every if not record["source"]}
    notes = [
        cells.basis(every, results.name),
        f"Compared with the target's base model, whose layers are all trained. {RULE}. The diagonal, whose layers come "
        "from the target itself, has no arrows. Sets by descending number of training images.",
        cells.choices(records, "pointwise layer"),
    ]
    title = "Table 5: accuracy (%) with frozen pointwise layers of the source"
    cross(description, file, records, bases, bases, title, notes)
