"""The table `table7`: accuracy of the base models (Table 7 of Master Key Filters)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from keyfilters.results.drawing import cells, paper
from keyfilters.results.drawing.table import Grid, publish

ACROSS = 8  # sets whose columns fit a page


def table7(description: Mapping[str, Any], file: Path) -> None:
    """Render `<results>/tables/table7.*` from `<results>/cells`; one column per set, by descending size, or one row
    where there are more than fit a page."""
    results = file.parents[1]
    records = {record["target"]["name"]: record for record in cells.load(description, results)}
    order = cells.by_size([record["target"] for record in records.values()])
    frame = pd.DataFrame(
        {
            "dataset": dataset["name"],
            "classes": dataset["classes"],
            "train": dataset["train"],
            "test": dataset["test"],
            **{key: records[dataset["name"]][key] for key in ("mean", "spread", "n")},
            "chance": 100 / dataset["classes"],
        }
        for dataset in order
    )
    columns = [records[dataset["name"]] for dataset in order]
    called = cells.names_in_paper(description, order)
    rows = {
        "Accuracy (%)": [cells.percent(record) for record in columns],
        "Chance (%)": [f"{100 / dataset['classes']:.1f}" for dataset in order],
        "Classes": [str(dataset["classes"]) for dataset in order],
        "Training images": [f"{dataset['train']:,}" for dataset in order],
        "Test images": [f"{dataset['test']:,}" for dataset in order],
    }
    titles = [dataset["title"] for dataset in order]
    text = list(rows.values())
    names = [[record["cell"] for record in columns], *[[None] * len(order)] * (len(rows) - 1)]
    if len(order) <= ACROSS:
        grid = Grid("Dataset", titles, list(rows), text, cells=names)
    else:
        turned, names = list(zip(*text, strict=True)), list(zip(*names, strict=True))
        grid = Grid("Dataset", list(rows), titles, turned, cells=names)
    publish(
        description,
        file,
        frame,
        grid,
        "Table 7: accuracy of the base models",
        [cells.basis(columns, results.name)],
        paper.compare(
            "table7",
            [
                paper.Number(
                    "Accuracy", called[record["target"]["name"]], record["mean"], record["n"], cell=record["cell"]
                )
                for record in columns
            ],
        ),
    )
