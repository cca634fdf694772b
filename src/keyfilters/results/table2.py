"""`keyfilters table2`: frozen depthwise filters of every source in every target (Table 2 of Master Key Filters)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from keyfilters.results import cells
from keyfilters.results.table import Grid, publish

THRESHOLD = 0.1  # points of accuracy from which the paper draws an arrow


def mark(difference: float) -> str:
    """`up`, `down` or `same` for a difference to the row's selffer, in points of accuracy."""
    difference = round(difference, 6)  # 0.1 is not a binary fraction
    if difference >= THRESHOLD:
        return "up"
    return "down" if difference <= -THRESHOLD else "same"


def table2(description: Mapping[str, Any], file: Path) -> None:
    """Render `<results>/tables/table2.*` from `<results>/cells`; rows are targets, columns sources, both by size."""
    results = file.parents[1]
    records = cells.load(description, results)
    by_pair = {(record["target"]["name"], record["source"]["name"]): record for record in records}
    targets = cells.by_size([record["target"] for record in records])
    sources = cells.by_size([record["source"] for record in records])
    rows, text, marks = [], [], []
    for target in (dataset["name"] for dataset in targets):
        selffer = by_pair[target, target]["mean"]
        line = [by_pair[target, source["name"]] for source in sources]
        for record in line:
            difference = record["mean"] - selffer
            rows.append(
                {
                    "target": target,
                    "source": record["source"]["name"],
                    **{key: record[key] for key in ("mean", "spread", "n")},
                    "difference_to_selffer": difference,
                    "mark": "selffer" if record["source"]["name"] == target else mark(difference),
                }
            )
        text.append([cells.percent(record) for record in line])
        marks.append([mark(record["mean"] - selffer) for record in line])
    grid = Grid(
        corner="Target \\ Source",
        columns=[source["title"] for source in sources],
        rows=[target["title"] for target in targets],
        text=text,
        marks=marks,
    )
    bias = records[0]["choices"]["bias"]
    notes = [
        cells.basis(records, results.name),
        f"Arrows and colours: {THRESHOLD} points or more above (green) or below (red) the row's selffer, whose "
        "filters come from the target itself; sets by descending number of training pictures.",
        f"Our choice where the paper is silent: the bias of a transferred depthwise convolution is {bias}.",
    ]
    publish(
        description,
        file,
        pd.DataFrame(rows),
        grid,
        "Table 2: accuracy (%) with frozen depthwise filters of the source",
        notes,
    )
