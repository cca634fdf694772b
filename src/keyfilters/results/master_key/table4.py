"""The table `table4`: filters of another architecture, trained on another domain (Table 4 of Master Key Filters)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keyfilters.results.drawing import cells
from keyfilters.results.drawing.line import line


def table4(description: Mapping[str, Any], file: Path) -> None:
    """Render `<results>/tables/table4.*` from `<results>/cells`."""
    results = file.parents[1]
    records = cells.load(description, results)
    target = records[0]["target"]
    models = [cells.title(record["role"]["model"]) for record in records]
    columns = [f"{model} on {record['source']['title']}" for model, record in zip(models, records, strict=True)]
    networks = "; ".join(cells.network(record["role"]["model"]) for record in records)
    notes = [
        cells.basis(records, results.name),
        cells.sampling(records),
        f"Depthwise filters frozen in the study's own network, trained on {target['title']}: its selffer, and filters "
        f"across domain and architecture. Sources: {networks}.",
        cells.choices(records, "depthwise convolution") + " " + cells.STACKING,
    ]
    title = f"Table 4: accuracy (%) on {target['title']} with filters across domain and architecture"
    line(description, file, records, "Source model", columns, title, notes, models)
