"""`keyfilters lowres`: accuracy of the low-resolution networks of *CNN Filter DB*, beside the published ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from keyfilters.results import cells, paper
from keyfilters.results.table import Grid, publish

PUBLISHED = (
    "Beside what the authors of the low-resolution networks publish (README of pytorch-pretrained-cnns), where network "
    "and set have the same name. Theirs have full width and saw all pictures for 100 epochs; their epoch was chosen on "
    "the test pictures, of which only those that fill a batch counted (9,984 of 10,000)"
)


def lowres(description: Mapping[str, Any], file: Path) -> None:
    """Render `<results>/tables/lowres.*` from `<results>/cells`; a row per network, a column per set."""
    results = file.parents[1]
    records = cells.load(description, results)
    order = cells.by_size([record["target"] for record in records])
    networks = {record["role"]["network"]: record["role"]["model"] for record in records}
    found = {(record["role"]["network"], record["target"]["name"]): record for record in records}
    frame = pd.DataFrame(
        {
            "network": network,
            "architecture": model["architecture"],
            "width": model.get("width", 1),
            "dataset": dataset["name"],
            **{key: found[network, dataset["name"]][key] for key in ("mean", "spread", "n")},
            "chance": 100 / dataset["classes"],
        }
        for network, model in networks.items()
        for dataset in order
    )
    grid = Grid(
        corner="Network",
        columns=[dataset["title"] for dataset in order],
        rows=list(networks),
        text=[[_cell(found[network, dataset["name"]]) for dataset in order] for network in networks],
        marks=[[""] * len(order)] * len(networks),
        width=1.6,
    )
    sets = "; ".join(
        f"{dataset['title']} has {dataset['train']:,} pictures for training and {dataset['test']:,} for testing, "
        f"chance is {100 / dataset['classes']:.1f} %"
        for dataset in order
    )
    widths = "; ".join(f"{network} is {cells.network(_without_channels(model))}" for network, model in networks.items())
    ours = [(record["role"]["model"]["architecture"], record["target"]["name"], record["mean"]) for record in records]
    publish(
        description,
        file,
        frame,
        grid,
        "Low-resolution networks: accuracy after training from random weights",
        [cells.basis(records, results.name), f"{sets}.", f"{widths}."],
        paper.beside("lowres", ours, PUBLISHED, "Published (%)"),
    )


def _cell(record: Mapping[str, Any]) -> str:
    return cells.percent(record) + (f" (n = {record['n']})" if record["n"] > 1 else "")


def _without_channels(model: Mapping[str, Any]) -> dict[str, Any]:
    """The network's settings, whatever its set's pictures have for channels."""
    return {name: value for name, value in model.items() if name != "in_channels"}
