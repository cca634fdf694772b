"""The figure `fig3`: the method, drawn from a real pair of networks (Figure 3 of Master Key Filters)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import torch
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from torch import Tensor

from keyfilters.models.convolutions import depthwise_layers
from keyfilters.results.drawing import cells, files, palette, weights
from keyfilters.results.drawing.palette import FROZEN, TRAINED
from keyfilters.results.drawing.style import WIDTH
from keyfilters.store import artifacts
from keyfilters.training.network import load_network

FILTERS = 3  # shown of each layer
CELL, LEFT, RIGHT = 0.72, 1.7, 0.9  # inches of a layer with its gap at most, and beside all of them


def fig3(description: Mapping[str, Any], root: Path, file: Path) -> None:
    """Render `<results>/figures/fig3.*` from a base model and a transfer below `root`."""
    base, transferred = (artifacts.read(root, description["inputs"][f"fig3/{role}"]) for role in ("base", "transfer"))
    above, below = (_filters(network) for network in (base, transferred))
    frozen = set(transferred.facts["frozen"])
    frame = pd.DataFrame(
        {
            "layer": number,
            "name": name,
            "filters": len(filters),
            "transferred": f"{name}.weight" in frozen,
            "same_as_a": torch.equal(above[name], filters),
        }
        for number, (name, filters) in enumerate(below.items(), start=1)
    )
    n = int(frame["transferred"].sum())
    a, b = (network.facts["dataset"]["title"] for network in (base, transferred))
    notes = [
        f"Study `{file.parents[1].name}`; {cells.network(base.description['settings']['model'])}; the first {FILTERS} "
        f"filters of each of the {len(below)} depthwise layers as trained. Model A: "
        f"{100 * base.facts['accuracy']:.1f} % of the test images of {a}; model B: "
        f"{100 * transferred.facts['accuracy']:.1f} % of those of {b}.",
        f"Blue: the first n = {n} depthwise layers of B are A's and stay frozen. Orange: trained from random weights.",
    ]
    title = f"Figure 3: depthwise filters of model A, trained on {a}, in model B, trained on {b}"
    draw = partial(_draw, list(above.values()), list(below.values()), n, (a, b), title, notes)
    files.publish(description, file, frame, frame, title, notes, draw)


def _filters(network: artifacts.Artifact) -> dict[str, Tensor]:
    """Depthwise filters `[filters, kh, kw]` by layer."""
    layers = depthwise_layers(load_network(network))
    return {name: convolution.weight.detach()[:, 0] for name, convolution in layers.items()}


def _draw(
    above: list[Tensor], below: list[Tensor], n: int, titles: tuple[str, str], title: str, notes: list[str]
) -> Figure:
    """Two rows of layers, a column of filters for each; arrows from A's first n to B's."""
    layers, left = len(above), LEFT
    cell = min(CELL, (WIDTH - LEFT - RIGHT) / layers)
    size, gap = 0.7 * cell, 0.3 * cell
    pitch = size + 0.06
    width, rows = left + layers * cell + RIGHT, {"A": FILTERS * pitch + 0.6, "B": 0.15}
    drawn = rows["A"] + FILTERS * pitch + 0.55
    figure = plt.figure(figsize=(width, drawn))
    files.caption(figure, notes)
    height = figure.get_size_inches()[1]  # with the notes, above which all else is
    rows = {model: height - drawn + bottom for model, bottom in rows.items()}
    canvas = figure.add_axes((0, 0, 1, 1))
    canvas.set(xlim=(0, width), ylim=(0, height))
    canvas.axis("off")
    files.heading(figure, title)
    for (model, bottom), networks, dataset in zip(rows.items(), (above, below), titles, strict=True):
        middle = bottom + FILTERS * pitch / 2
        canvas.text(0.1, middle, f"Model {model}\n\ntrained on\n{dataset}", va="center")
        for index, filters in enumerate(networks):
            x = left + index * cell
            colour = FROZEN if index < n and model == "B" else TRAINED
            canvas.add_patch(
                FancyBboxPatch(
                    (x - 0.05, bottom - 0.03),
                    size + 0.1,
                    FILTERS * pitch + 0.02,
                    boxstyle="round,pad=0.02",
                    facecolor=palette.WHITE,
                    edgecolor=colour,
                    linewidth=1.6,
                )
            )
            for row, kernel in enumerate(filters[:FILTERS]):
                y = bottom + (FILTERS - 1 - row) * pitch
                axis = figure.add_axes((x / width, y / height, size / width, size / height))
                axis.axis("off")
                weights.show(axis, kernel.numpy())
            if index:
                canvas.annotate("", (x - 0.06, middle), (x - gap + 0.06, middle), arrowprops=_arrow(palette.GREY))
            if index < n and model == "A":
                foot = rows["B"] + FILTERS * pitch + 0.04
                canvas.annotate("", (x + size / 2, foot), (x + size / 2, bottom - 0.06), arrowprops=_arrow(FROZEN))
        end = left + layers * cell
        canvas.annotate("", (end + 0.12, middle), (end - gap + 0.06, middle), arrowprops=_arrow(palette.GREY))
        canvas.text(end + 0.15, middle, "head", va="center", color=TRAINED)
    between = (rows["A"] + rows["B"] + FILTERS * pitch) / 2
    canvas.text(left + n * cell, between, f"transferred, frozen: n = {n}", va="center", color=FROZEN)
    return figure


def _arrow(colour: str) -> dict[str, Any]:
    return {"arrowstyle": "->", "color": colour, "linewidth": 1}
