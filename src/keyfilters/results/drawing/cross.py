"""Tables of all sources x all targets, each cell compared with one of its row's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from keyfilters.results.differences import Record, bounds, difference, excludes_zero
from keyfilters.results.drawing import cells, paper
from keyfilters.results.drawing.arrows import arrow, mark
from keyfilters.results.drawing.table import Grid, publish


def cross(
    description: Mapping[str, Any],
    file: Path,
    records: Sequence[Record],
    references: Mapping[str, Record],
    diagonal: Mapping[str, Record],
    title: str,
    notes: Sequence[str],
) -> None:
    """Publish the cells `records`: rows are targets, columns sources, both by size, then the controls.

    `references`: by target, the cell that its row is compared with; `diagonal`: the one that its selffer is, where
    there is one.
    """
    by_pair = {(record["target"]["name"], column_of(record)): record for record in records}
    targets = cells.by_size([record["target"] for record in records])
    sources = cells.by_size([record["source"] for record in records if not cells.control(record)])
    columns = [*(source["name"] for source in sources), *cells.controls(records)]
    rows, text, marks, names = [], [], [], []
    for target in (dataset["name"] for dataset in targets):
        line = [by_pair[target, column] for column in columns]
        compared = [
            _compared(record, (diagonal if column == target else references).get(target))
            for record, column in zip(line, columns, strict=True)
        ]
        rows += [
            {
                "target": target,
                "source": column,
                "control": bool(cells.control(record)),
                **{key: record[key] for key in ("mean", "spread", "n")},
                **effect,
            }
            for record, column, effect in zip(line, columns, compared, strict=True)
        ]
        text.append([cells.percent(record) for record in line])
        names.append([record["cell"] for record in line])
        marks.append(
            [
                mark(effect["direction"], effect["excludes_zero"], bare=column == target)
                for column, effect in zip(columns, compared, strict=True)
            ]
        )
    grid = Grid(
        corner="Target \\ Source",
        columns=[*(source["title"] for source in sources), *(cells.CONTROLS[name] for name in columns[len(sources) :])],
        rows=[target["title"] for target in targets],
        text=text,
        marks=marks,
        cells=names,
    )
    called = cells.names_in_paper(description, [*targets, *sources])
    ours = []
    for row in rows:
        if row["control"]:
            continue
        position = (called[row["target"]], called[row["source"]])
        direction = "" if row["target"] == row["source"] else row["direction"]
        cell = by_pair[row["target"], row["source"]]["cell"]
        ours.append(paper.Number(*position, row["mean"], row["n"], direction, cell))
    comparison = paper.compare(description["stage"], ours)
    publish(description, file, pd.DataFrame(rows), grid, title, [*notes, *cells.on_controls(records)], comparison)


def column_of(record: Record) -> str:
    """The cell's control, else its source."""
    return cells.control(record) or record["source"]["name"]


def _compared(record: Record, reference: Record | None) -> dict[str, Any]:
    """What the CSV says of a cell against another: a base model, which has no source, or a selffer."""
    effect = difference([(record, reference)] if reference else [])
    low, high = bounds(effect)
    value = record["mean"] - reference["mean"] if reference else None
    return {
        "compared_with": "" if reference is None else "selffer" if reference["source"] else "base",
        "difference": value,
        "low": low,
        "high": high,
        "excludes_zero": excludes_zero(effect),
        "direction": "" if value is None else arrow(value),
    }
