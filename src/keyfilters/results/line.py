"""Tables with one line: an accuracy for each way of doing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from keyfilters.results import cells
from keyfilters.results.table import Grid, publish


def line(
    description: Mapping[str, Any],
    file: Path,
    records: Sequence[Mapping[str, Any]],
    corner: str,
    columns: Sequence[str],
    title: str,
    notes: Sequence[str],
) -> None:
    """Publish the cells `records`, one column each."""
    rows = [
        {
            "column": column,
            "target": record["target"]["name"],
            "source": record["source"]["name"] if record["source"] else "",
            "model": record["role"]["model"]["architecture"],
            **{key: record[key] for key in ("mean", "spread", "n")},
        }
        for column, record in zip(columns, records, strict=True)
    ]
    grid = Grid(
        corner=corner,
        columns=columns,
        rows=["Accuracy (%)"],
        text=[[cells.percent(record) for record in records]],
        marks=[[""] * len(columns)],
        width=max(1.25, 0.08 * max(map(len, columns))),
    )
    publish(description, file, pd.DataFrame(rows), grid, title, notes)
