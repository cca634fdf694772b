"""The figure `filterdb_fig1`: the first filters of every layer of one network (Figure 1 of CNN Filter DB)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from keyfilters.analysis.degeneration import entropy, sparsity
from keyfilters.analysis.moments import moments
from keyfilters.config.analysis import Analysis
from keyfilters.errors import KeyfiltersError
from keyfilters.filters.store import Store, choose
from keyfilters.results.drawing import files, filters
from keyfilters.results.drawing import weights as images
from keyfilters.results.drawing.style import MIN_POINTS, WIDTH
from keyfilters.store import artifacts

LABELS = 2.2  # inches that the names of the layers have


@dataclass(frozen=True)
class Layer:
    """The first `filters` `[n, kh, kw]` of a layer that has `count`, the largest absolute weight of all of which is
    `peak`; its sparsity (6) and entropy (7)."""

    name: str
    number: int
    count: int
    filters: np.ndarray
    peak: float
    sparsity: float
    entropy: float


def filterdb_fig1(description: Mapping[str, Any], root: Path, file: Path) -> None:
    """Render `<results>/figures/filterdb_fig1.*` from a network of the store below `root`."""
    settings = description["settings"]
    folder = description["inputs"][f"{description['stage']}/network"]
    store = Store(root, {settings["network"]: folder})
    if settings["network"] in store.refused:
        raise KeyfiltersError(f"{settings['network']}: refused, so no filters to draw; set another `network`")
    layers = _layers(store, settings)
    kernel = "x".join(map(str, settings["kernel"]))
    if not layers:
        raise KeyfiltersError(f"{settings['network']}: no {kernel} filters; set another `network` or `set`")
    known = store.models.iloc[0]
    total = sum(layer.count for layer in layers)
    trained_on = f" trained on {known['Training-Dataset']}" if isinstance(known["Training-Dataset"], str) else ""
    title = f"Figure 1: first {kernel} filters of each layer of {known['Name']}{trained_on}"
    notes = [
        f"Study `{file.parents[1].name}`: 1 network, {settings['network']}{_accuracy(description, root)}; {total:,} "
        f"{kernel} filters in {len(layers)} layers; drawn are the first {settings['filters']} of each layer, all of a "
        "smaller one.",
        "Colours of a layer go from minus (blue) to plus (red) the largest absolute weight of all its filters; white "
        "is 0. S is the layer's share of sparse filters (6), H its entropy (7), at most "
        f"{np.log10(np.prod(settings['kernel'])):.2f}.",
    ]
    shown = pd.DataFrame(
        [[layer.number, layer.name, f"{layer.count:,}", f"{layer.peak:.3g}", *_quality(layer)] for layer in layers],
        columns=["Layer", "Name", "Filters", "Largest weight", "Sparsity", "Entropy"],
    )
    draw = partial(_draw, layers, title, notes)
    files.publish(description, file, _weights(layers), shown, title, notes, draw, numbers=filters.NUMBERS)


def _layers(store: Store, settings: Mapping[str, Any]) -> list[Layer]:
    layers = []
    chosen = choose(store.layers, tuple(settings["kernel"]), settings["kinds"])
    for number, (label, row) in enumerate(chosen.iterrows(), start=1):
        weights = np.concatenate([block for _, block in store.blocks(chosen.loc[[label]])])
        peaks = np.abs(weights).max(axis=1)
        measured = sparsity(peaks, Analysis()), float(entropy(moments(weights, weights.shape[1], False).covariance))
        first = weights[: settings["filters"]].reshape(-1, *settings["kernel"])
        layers.append(Layer(row["layer"], number, len(weights), first, float(peaks.max()), *measured))
    return layers


def _accuracy(description: Mapping[str, Any], root: Path) -> str:
    """What is known of how well the network does, if it is trained here."""
    training = description["inputs"].get(f"{description['stage']}/training")
    accuracy = artifacts.manifest(root, training).facts.get("accuracy") if training else None
    return "" if accuracy is None else f", {100 * accuracy:.1f} % of test images right"


def _quality(layer: Layer) -> tuple[str, str]:
    return f"{layer.sparsity:.3f}", f"{layer.entropy:.3f}"


def _weights(layers: list[Layer]) -> pd.DataFrame:
    """A row for each drawn filter, with its weights row by row."""
    rows = []
    for layer in layers:
        for number, weights in enumerate(layer.filters):
            named = {f"w{y}{x}": float(weight) for (y, x), weight in np.ndenumerate(weights)}
            rows.append({"layer": layer.name, "peak": layer.peak, "filter": number, **named})
    return pd.DataFrame(rows)


def _draw(layers: list[Layer], title: str, notes: list[str]) -> Figure:
    columns = max(len(layer.filters) for layer in layers)
    figure, axes = plt.subplots(
        len(layers),
        columns,
        figsize=(WIDTH, (WIDTH - LABELS) / columns * len(layers) + 1.2),
        layout="constrained",
        squeeze=False,
    )
    files.heading(figure, title)
    for row, layer in zip(axes, layers, strict=True):
        for axis in row:
            axis.axis("off")
        for axis, weights in zip(row, layer.filters, strict=False):
            images.show(axis, weights, layer.peak)
        sparse, diverse = _quality(layer)
        label = f"{layer.number}: {layer.count:,} filters, S {sparse}, H {diverse}"
        row[0].text(-0.3, 0.5, label, fontsize=MIN_POINTS, transform=row[0].transAxes, ha="right", va="center")
    images.colour_bar(figure, axes, "weight, as a share of the layer's largest")
    files.caption(figure, notes)
    return figure
