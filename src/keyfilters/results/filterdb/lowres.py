"""The table `lowres`: accuracy of the low-resolution networks of *CNN Filter DB*, beside the published ones."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from keyfilters.results.drawing import cells
from keyfilters.results.drawing.table import Grid, publish

PUBLISHED = (
    "Published: what the networks' authors print for the same network and set (README of pytorch-pretrained-cnns). "
    "Theirs have full width and saw all images for 100 epochs; their epoch was chosen on the test images, of which "
    "only those that fill a batch counted (9,984 of 10,000)."
)


@cache
def published() -> dict[tuple[str, str], float]:
    """Accuracy in percent by architecture and set, as the authors of the low-resolution networks print it."""
    with files("keyfilters.published").joinpath("low_resolution.csv").open() as file:
        printed = pd.read_csv(file)
    return printed.set_index(["network", "dataset"])["accuracy"].to_dict()


def lowres(description: Mapping[str, Any], file: Path) -> None:
    """Render `<results>/tables/lowres.*` from `<results>/cells`; a row per network, a column per set."""
    results = file.parents[1]
    records = cells.load(description, results)
    order = cells.by_size([record["target"] for record in records])
    networks = {record["role"]["network"]: record["role"]["model"] for record in records}
    by_pair = {(record["role"]["network"], record["target"]["name"]): record for record in records}
    frame = pd.DataFrame(
        {
            "network": network,
            "architecture": model["architecture"],
            "width": model.get("width", 1),
            "dataset": dataset["name"],
            **{key: by_pair[network, dataset["name"]][key] for key in ("mean", "spread", "n")},
            "published": published().get((model["architecture"], dataset["name"])),
            "chance": 100 / dataset["classes"],
        }
        for network, model in networks.items()
        for dataset in order
    )
    columns, names = {}, {}
    for dataset in order:
        names[dataset["title"]] = [by_pair[network, dataset["name"]]["cell"] for network in networks]
        columns[dataset["title"]] = [_cell(by_pair[network, dataset["name"]]) for network in networks]
        theirs = [published().get((model["architecture"], dataset["name"])) for model in networks.values()]
        if any(theirs):
            columns[f"{dataset['title']}, published"] = [f"{value:.1f}" if value else "" for value in theirs]
    grid = Grid(
        corner="Network",
        columns=list(columns),
        rows=list(networks),
        text=list(zip(*columns.values(), strict=True)),
        cells=list(zip(*(names.get(column, [None] * len(networks)) for column in columns), strict=True)),
    )
    sets = "; ".join(
        f"{dataset['title']} has {dataset['train']:,} images for training and {dataset['test']:,} for testing, "
        f"chance is {100 / dataset['classes']:.1f} %"
        for dataset in order
    )
    widths = "; ".join(f"{network} is {cells.network(_without_channels(model))}" for network, model in networks.items())
    notes = [cells.basis(records, results.name), f"{sets}.", f"{widths}."]
    if frame["published"].notna().any():
        notes.append(PUBLISHED)
    title = "Low-resolution networks: accuracy (%) after training from random weights"
    publish(description, file, frame, grid, title, notes)


def _cell(record: Mapping[str, Any]) -> str:
    return cells.percent(record) + (f" (n = {record['n']})" if record["n"] > 1 else "")


def _without_channels(model: Mapping[str, Any]) -> dict[str, Any]:
    """The network's settings, whatever its set's images have for channels."""
    return {name: value for name, value in model.items() if name != "in_channels"}
