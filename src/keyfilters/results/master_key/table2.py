"""The table `table2`: frozen depthwise filters of every source in every target (Table 2 of Master Key Filters)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keyfilters.results.drawing import cells
from keyfilters.results.drawing.arrows import RULE
from keyfilters.results.drawing.cross import cross


def table2(description: Mapping[str, Any], file: Path) -> None:
    """Render `<results>/tables/table2.*` from `<results>/cells`; each row is compared with its selffer, and that with
    Table 7's base model, where the study has it."""
    results = file.parents[1]
    every = cells.load(description, results)
    bases = {record["target"]["name"]: record for record in every if record["cell"].startswith("table7/")}
    records = [record for record in every if record["cell"].startswith("table2/")]
    selffers = {
        record["target"]["name"]: record
        for record in records
        if not cells.control(record) and record["source"]["name"] == record["target"]["name"]
    }
    diagonal = " The selffer itself, without arrow, is compared with the base model of Table 7: our reading."
    notes = [
        cells.basis(every, results.name),
        f"Compared with the row's selffer, whose filters come from the target itself. {RULE}."
        f"{diagonal if bases else ''} Sets by descending number of training images.",
        cells.choices(records, "depthwise convolution"),
    ]
    title = "Table 2: accuracy (%) with frozen depthwise filters of the source"
    cross(description, file, records, selffers, bases, title, notes)
