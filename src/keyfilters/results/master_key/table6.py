"""The table `table6`: the sets as prepared, beside the paper's (Table 6 of Master Key Filters)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from keyfilters.results.drawing import cells, paper
from keyfilters.results.drawing.table import Grid, publish
from keyfilters.store import artifacts

COUNTS = ("Classes", "Train", "Test")


def table6(description: Mapping[str, Any], root: Path, file: Path) -> None:
    """Render `<results>/tables/table6.*` from the manifests of the prepared sets below `root`."""
    results = file.parents[1]
    prepared = [artifacts.manifest(root, folder).facts for folder in description["inputs"].values()]
    order = cells.by_size([{**facts, "classes": len(facts["classes"])} for facts in prepared])
    called, printed = cells.names_in_paper(description, order), paper.numbers("table6")
    rows, numbers = [], []
    for dataset in order:
        row = called[dataset["name"]]
        ours = {count: dataset[count.lower()] for count in COUNTS}
        theirs = {f"Paper's {count.lower()}": printed.get((row, count)) for count in COUNTS}
        rows.append({"dataset": dataset["name"], "domain": dataset["domain"], **ours, **theirs})
        numbers += [paper.Number(row, count, value) for count, value in ours.items()]
    columns = [*COUNTS, *(f"Paper's {count.lower()}" for count in COUNTS)]
    grid = Grid(
        corner="Dataset",
        columns=columns,
        rows=[dataset["title"] for dataset in order],
        text=[["" if row[column] is None else f"{row[column]:,.0f}" for column in columns] for row in rows],
    )
    notes = [
        f"Study `{results.name}`: images as prepared, without duplicates, at {order[0]['image_size']} px, counted; "
        "the paper's rounded numbers where the set is one of its sets; by descending number of training images.",
    ]
    frame = pd.DataFrame(rows, dtype=object)
    publish(description, file, frame, grid, "Table 6: the sets of images", notes, paper.compare("table6", numbers))
