"""Tables of all sources x all targets, each row compared with one number of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from keyfilters.results.drawing import cells, paper
from keyfilters.results.drawing.arrows import arrow
from keyfilters.results.drawing.table import Grid, publish


def cross(
    description: Mapping[str, Any],
    file: Path,
    records: Sequence[Mapping[str, Any]],
    references: Mapping[str, float],
    compared_with: str,
    title: str,
    notes: Sequence[str],
) -> None:
    """Publish the cells `records`: rows are targets, columns sources, both by size, then the controls.

    `references`: by target, the accuracy in percent that its row is compared with, which is called `compared_with`.
    """
    by_pair = {(record["target"]["name"], _column(record)): record for record in records}
    targets = cells.by_size([record["target"] for record in records])
    sources = cells.by_size([record["source"] for record in records if not cells.control(record)])
    controls = dict.fromkeys(filter(None, map(cells.control, records)))
    rows, text, marks, names = [], [], [], []
    for target in (dataset["name"] for dataset in targets):
        line = [by_pair[target, column] for column in (*(source["name"] for source in sources), *controls)]
        differences = [record["mean"] - references[target] for record in line]
        selffer = [_column(record) == target for record in line]
        for record, difference, own in zip(line, differences, selffer, strict=True):
            rows.append(
                {
                    "target": target,
                    "source": _column(record),
                    "control": bool(cells.control(record)),
                    **{key: record[key] for key in ("mean", "spread", "n")},
                    f"difference_to_{compared_with}": difference,
                    "mark": "selffer" if own else arrow(difference),
                }
            )
        text.append([cells.percent(record) for record in line])
        names.append([record["cell"] for record in line])
        marks.append([_shown(arrow(difference), own) for difference, own in zip(differences, selffer, strict=True)])
    grid = Grid(
        corner="Target \\ Source",
        columns=[*(source["title"] for source in sources), *(cells.CONTROLS[control] for control in controls)],
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
        place = (called[row["target"]], called[row["source"]])
        compared = "" if row["target"] == row["source"] else arrow(row[f"difference_to_{compared_with}"])
        cell = by_pair[row["target"], row["source"]]["cell"]
        ours.append(paper.Number(*place, row["mean"], row["n"], compared, cell))
    twin = paper.twin(description["stage"], ours)
    notes = [*notes, *cells.on_controls(records)]
    publish(description, file, pd.DataFrame(rows), grid, title, notes, twin)


def _column(record: Mapping[str, Any]) -> str:
    """The cell's control, else its source."""
    return cells.control(record) or record["source"]["name"]


def _shown(mark: str, selffer: bool) -> str:
    """The paper's diagonal has colours, but no arrows."""
    return {"up": "higher", "down": "lower"}.get(mark, mark) if selffer else mark
