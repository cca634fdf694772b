"""The table `table1`: filters in order, shuffled, or of few layers alone (Table 1 of Master Key Filters)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keyfilters.results.drawing import cells
from keyfilters.results.drawing.line import line


def table1(description: Mapping[str, Any], file: Path) -> None:
    """Render `<results>/tables/table1.*` from `<results>/cells`."""
    results = file.parents[1]
    records = sorted(cells.load(description, results), key=cells.rank)
    source = next(record["source"] for record in records if record["source"])
    target, model = records[0]["target"], records[0]["role"]["model"]
    notes = [
        cells.basis(records, results.name),
        cells.sampling(records),
        f"Depthwise filters of {source['title']}, frozen in a network trained on {target['title']}: each in its layer; "
        "permuted across all layers; those of the first 3 layers, assigned in order to all layers again and again. "
        f"Baseline: all trained. Both networks: {cells.network(model)}.",
        cells.choices(records, "depthwise convolution"),
        *cells.on_controls(records),
    ]
    ours = [cells.CONTROLS[cells.control(record)] for record in records if cells.control(record)]
    methods = [record["role"]["method"] for record in records if not cells.control(record)]
    title = f"Table 1: accuracy (%) on {target['title']} with filters of {source['title']}"
    line(description, file, records, "Method", [*methods, *ours], title, notes, methods)
