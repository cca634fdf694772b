"""The figure `fig1`: depthwise filters from the first, middle and last layers (Figure 1 of Master Key Filters)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import Tensor

from keyfilters.models.convolutions import depthwise_layers
from keyfilters.results.drawing import cells, files
from keyfilters.results.drawing import weights as images
from keyfilters.results.drawing.style import WIDTH
from keyfilters.store import artifacts
from keyfilters.training.network import load_network


@dataclass(frozen=True)
class Drawn:
    """Filters `[drawn, kh, kw]` of one layer, and their numbers there."""

    model: str
    layer: str
    number: int
    of: int
    filters: Tensor
    numbers: list[int]

    def __str__(self) -> str:
        return f"{self.model}, layer {self.number} of {self.of}"


def fig1(description: Mapping[str, Any], root: Path, file: Path) -> None:
    """Render `<results>/figures/fig1.*` from the base models below `root`."""
    settings = description["settings"]
    generator = torch.Generator().manual_seed(settings["seed"])
    drawn, networks, dataset = [], [], ""
    for name in cells.ordered(description):
        trained = artifacts.read(root, description["inputs"][name])
        model, dataset = trained.description["settings"]["model"], trained.facts["dataset"]["title"]
        networks.append(f"{cells.network(model)}, {100 * trained.facts['accuracy']:.1f} %")
        layers = list(depthwise_layers(load_network(trained)).items())
        for index in sorted({0, len(layers) // 2, len(layers) - 1}):
            name, convolution = layers[index]
            numbers = torch.randperm(len(convolution.weight), generator=generator)[: settings["filters"]]
            filters = convolution.weight.detach()[numbers, 0]
            drawn.append(Drawn(cells.title(model), name, index + 1, len(layers), filters, numbers.tolist()))
    notes = [
        f"Study `{file.parents[1].name}`; networks trained on {dataset}, accuracy on its test images: "
        f"{'; '.join(networks)}.",
        f"Drawn at random (seed {settings['seed']}), without replacement; each filter from minus (blue) to plus (red) "
        "its own largest absolute weight, white is 0.",
    ]
    title = f"Figure 1: random depthwise filters of the first, middle and last layers, trained on {dataset}"
    shown = pd.DataFrame(
        [[layer.model, layer.number, layer.layer, len(layer.numbers)] for layer in drawn],
        columns=["Model", "Layer", "Name", "Filters drawn"],
    )
    files.publish(description, file, _weights(drawn), shown, title, notes, partial(_draw, drawn, title, notes))


def _weights(drawn: list[Drawn]) -> pd.DataFrame:
    """A row for each filter, with its weights row by row."""
    rows = []
    for layer in drawn:
        for number, weights in zip(layer.numbers, layer.filters, strict=True):
            named = {f"w{y}{x}": weight for y, row in enumerate(weights.tolist()) for x, weight in enumerate(row)}
            rows.append({"model": layer.model, "layer": layer.layer, "filter": number, **named})
    return pd.DataFrame(rows)


def _draw(drawn: list[Drawn], title: str, notes: list[str]) -> Figure:
    columns = max(len(layer.numbers) for layer in drawn)
    figure, axes = plt.subplots(
        len(drawn),
        columns,
        figsize=(WIDTH, (WIDTH / columns + 0.25) * len(drawn) + 1),
        layout="constrained",
        squeeze=False,
    )
    files.heading(figure, title)
    for row, layer in zip(axes, drawn, strict=True):
        for axis in row:
            axis.axis("off")
            axis.set_box_aspect(1)
        name = row[0].text(0, 1.1, str(layer), transform=row[0].transAxes)
        name.set_in_layout(False)  # it may lie over the next columns
        for axis, weights in zip(row, layer.filters, strict=False):
            images.show(axis, weights.numpy())
        if len(layer.filters) < columns:
            first_empty = row[len(layer.filters)]
            all_of = first_empty.text(0, 0.5, "all that it has", va="center", transform=first_empty.transAxes)
            all_of.set_in_layout(False)
    images.colour_bar(figure, axes, "weight, as a share of the filter's largest")
    files.caption(figure, notes)
    return figure
