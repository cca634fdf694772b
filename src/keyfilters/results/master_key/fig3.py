"""`keyfilters fig3`: the method, drawn from a real pair of networks (Figure 3 of Master Key Filters)."""

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
from keyfilters.results.drawing import cells, files
from keyfilters.results.master_key.fig1 import show_filter
from keyfilters.store import artifacts
from keyfilters.training.network import load_network

FILTERS = 3  # shown of each layer
TRAINED, FROZEN = "#d9661f", "#1f6fb4"


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
    layers, size, gap, left = len(above), 0.5, 0.22, 1.7
    width, height = left + layers * (size + gap) + 0.9, 5.6
    figure = plt.figure(figsize=(width, height))
    canvas = figure.add_axes((0, 0, 1, 1))
    canvas.set(xlim=(0, width), ylim=(0, height))
    canvas.axis("off")
    canvas.text(0.1, height - 0.25, title, fontsize=9, va="center")
    pitch, rows = size + 0.06, {"A": 3.1, "B": 0.95}
    for (model, bottom), networks, dataset in zip(rows.items(), (above, below), titles, strict=True):
        middle = bottom + FILTERS * pitch / 2
        canvas.text(0.1, middle, f"Model {model}\n\ntrained on\n{dataset}", fontsize=8, va="center")
        for index, filters in enumerate(networks):
            x = left + index * (size + gap)
            colour = FROZEN if index < n and model == "B" else TRAINED
            canvas.add_patch(
                FancyBboxPatch(
                    (x - 0.05, bottom - 0.03),
                    size + 0.1,
                    FILTERS * pitch + 0.02,
                    boxstyle="round,pad=0.02",
                    facecolor="white",
                    edgecolor=colour,
                    linewidth=1.6,
                )
            )
            for row, weights in enumerate(filters[:FILTERS]):
                y = bottom + (FILTERS - 1 - row) * pitch
                axis = figure.add_axes((x / width, y / height, size / width, size / height))
                axis.axis("off")
                show_filter(axis, weights)
            if index:
                canvas.annotate("", (x - 0.06, middle), (x - gap + 0.06, middle), arrowprops=_arrow("#777777"))
            if index < n and model == "A":
                foot = rows["B"] + FILTERS * pitch + 0.04
                canvas.annotate("", (x + size / 2, foot), (x + size / 2, bottom - 0.06), arrowprops=_arrow(FROZEN))
        end = left + layers * (size + gap)
        canvas.annotate("", (end + 0.12, middle), (end - gap + 0.06, middle), arrowprops=_arrow("#777777"))
        canvas.text(end + 0.15, middle, "head", fontsize=8, va="center", color=TRAINED)
    between = (rows["A"] + rows["B"] + FILTERS * pitch) / 2
    canvas.text(
        left + n * (size + gap), between, f"transferred, frozen: n = {n}", fontsize=8, va="center", color=FROZEN
    )
    canvas.text(0.1, 0.4, "\n".join(notes), fontsize=6, va="center", wrap=True)
    return figure


def _arrow(colour: str) -> dict[str, Any]:
    return {"arrowstyle": "->", "color": colour, "linewidth": 1}
