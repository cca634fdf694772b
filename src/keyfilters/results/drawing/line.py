"""Tables with one line: an accuracy for each way of doing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from keyfilters.results.drawing import cells, paper
from keyfilters.results.drawing.table import Grid, publish


def line(
    description: Mapping[str, Any],
    file: Path,
    records: Sequence[Mapping[str, Any]],
    corner: str,
    columns: Sequence[str],
    title: str,
    notes: Sequence[str],
    printed: Sequence[str | None],
) -> None:
    """Publish the cells `records`, one column each; `printed` are the columns that play the role of the first of them
    in the paper, None where none does."""
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
        cells=[[record["cell"] for record in records]],
        upright=True,
    )
    ours = [
        paper.Number("Accuracy", column, record["mean"], record["n"], cell=record["cell"])
        for column, record in zip(printed, records, strict=False)  # the controls come last
        if column
    ]
    publish(description, file, pd.DataFrame(rows), grid, title, notes, paper.compare(description["stage"], ours))
