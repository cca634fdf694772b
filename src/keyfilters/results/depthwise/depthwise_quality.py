"""The figure `depthwise_quality`: entropy and sparsity of depthwise layers along the networks trained here."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from keyfilters.errors import KeyfiltersError
from keyfilters.results.depthwise import trained_networks
from keyfilters.results.drawing import files, filters, palette
from keyfilters.results.drawing.style import WIDTH

QUANTITIES = {
    "sparsity": "sparsity S (6)",
    "entropy": "entropy H (7)",
    "of_random": "H / T_H, as a share\nof a random layer's",
}


def depthwise_quality(description: Mapping[str, Any], root: Path, file: Path) -> None:
    """Render `<results>/figures/depthwise_quality.*` from the tables of a set of depthwise filters.

    Raises KeyfiltersError if no layer has filters enough.
    """
    settings = description["settings"]
    tables = filters.load(description, file.parents[1])
    layers = trained_networks.layers(tables.layers, settings["networks"])
    least = settings["min_filters_of_layer"]
    enough = layers[layers["filters"] >= least]
    enough = enough.assign(of_random=enough["entropy"] / enough["fitted_threshold"])
    if enough.empty:
        raise KeyfiltersError(f"no layer of {least} filters of the set {settings['set']}; lower `min_filters_of_layer`")
    grouped = enough.groupby(["architecture", "position", "layers"], as_index=False)
    frame = grouped.agg(
        networks=("model", "nunique"),
        filters=("filters", "first"),
        **{f"{quantity}_{how}": (quantity, how) for quantity in QUANTITIES for how in ("mean", "min", "max")},
    )
    networks = enough["model"].nunique()
    title = f"Sparsity and entropy of depthwise filters by layer ({settings['set']})"
    left_out = len(layers) - len(enough)
    too_few = int((enough["verdict"] == "too few").sum())
    notes = [
        f"Study `{file.parents[1].name}`: {networks} networks trained here, {len(enough)} layers with "
        f"{enough['filters'].sum():,} filters, each layer of at least {least}"
        f"{f'; {left_out} layers of fewer are left out' if left_out else ''}. Lines: mean over an architecture's "
        "training sets; bands: from the least to the most.",
        f"H depends on how many filters a layer has, and {too_few} of these layers have fewer than a verdict asks for. "
        "So below it is divided by T_H (8) of a layer of as many filters, fitted to random layers; 1 is as random.",
    ]
    shown = pd.DataFrame([_summary(name, rows) for name, rows in enough.groupby("architecture")])
    draw = partial(_draw, frame, title, notes)
    files.publish(description, file, frame, shown, title, notes, draw, numbers=filters.NUMBERS)


def _summary(name: str, layers: pd.DataFrame) -> dict[str, str | int]:
    first, last = layers[layers["depth"] < 1 / 3], layers[layers["depth"] > 2 / 3]
    row = {
        "Architecture": name,
        "Networks": layers["model"].nunique(),
        "Layers": len(layers),
        "Filters": f"{layers['filters'].sum():,}",
    }
    for quantity, label in (("sparsity", "S"), ("of_random", "H / T_H")):
        for part, rows in ((" first third", first), (" last third", last)):
            row[label + part] = f"{rows[quantity].mean():.3f}" if len(rows) else ""
    return row


def _draw(frame: pd.DataFrame, title: str, notes: list[str]) -> Figure:
    sparse = frame["sparsity_max"].max() > 0
    drawn = [quantity for quantity in QUANTITIES if sparse or quantity != "sparsity"]
    height = 0.8 + 2.5 * len(drawn)
    figure, axes = plt.subplots(len(drawn), 1, figsize=(WIDTH, height), layout="constrained", sharex=True)
    files.heading(figure, title if sparse else f"{title}; no filter is sparse")
    architectures = list(frame.groupby("architecture", sort=False))
    for axis, quantity in zip(axes, drawn, strict=True):
        looks = zip(itertools.cycle(palette.CYCLE), itertools.cycle(palette.MARKERS), strict=True)
        for (name, rows), (colour, marker) in zip(architectures, looks, strict=False):
            depth, label = trained_networks.depth(rows), f"{name} ({rows['networks'].max()})"
            line: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 4, "linewidth": 1.2}
            axis.plot(depth, rows[f"{quantity}_mean"], label=label, **line)
            axis.fill_between(depth, rows[f"{quantity}_min"], rows[f"{quantity}_max"], color=colour, alpha=0.15)
        axis.set_ylabel(QUANTITIES[quantity])
        axis.grid(axis="y")
    if sparse:
        axes[0].set_ylim(-0.01, max(0.1, 1.1 * frame["sparsity_max"].max()))
    axes[-1].axhline(1, color=palette.GREY, linestyle=":", linewidth=1)
    axes[-1].set_xlabel("depth: first depthwise layer to last")
    axes[0].legend(title="architecture (networks)", ncols=2)
    files.caption(figure, notes)
    return figure
