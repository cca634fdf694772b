"""The networks of a zoo by depth and in its basis, alone or with a network that is compared with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np

from keyfilters.analysis.groups import DECILE_NAMES, DECILES
from keyfilters.analysis.zoo_comparison import QUANTITIES, Position, Zoo
from keyfilters.results.drawing import files, palette
from keyfilters.results.drawing.style import WIDTH

matplotlib.use("agg")
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

LABELS = {"sparsity": "sparsity S (6)", "entropy": "entropy H (7)"}
MIDDLES = dict(zip(DECILE_NAMES, (DECILES[:-1] + DECILES[1:]) / 2, strict=True))


def zoo_figure(zoo: Zoo, title: str, notes: Sequence[str]) -> Figure:
    """The bands of sparsity and entropy by depth, and where the networks lie in the first two components."""
    figure, axes = plt.subplots(1, 3, figsize=(WIDTH, 3.2), layout="constrained")
    files.heading(figure, title)
    _draw_zoo(axes, zoo)
    axes[0].legend()
    files.caption(figure, notes)
    return figure


def comparison_figure(positions: Mapping[str, Position], zoo: Zoo) -> Figure:
    """A row for each network: its layers on the zoo's bands, coloured by verdict, and where it lies in the basis."""
    figure = plt.figure(figsize=(WIDTH, 4 * len(positions)), layout="constrained")
    rows = figure.subfigures(len(positions), 1, squeeze=False)[:, 0]
    for row, (name, position) in zip(rows, positions.items(), strict=True):
        axes = row.subplots(1, 3)
        _draw_zoo(axes, zoo)
        _draw_network(axes, position)
        nearest = position.nearest.iloc[0]
        title = f"{files.shortened(name, 80)}\nnearest: {files.shortened(nearest['network'], 60)}"
        row.suptitle(f"{title}, D = {nearest['drift']:.4g}", x=0.01, ha="left")
        labelled = {}
        for axis in axes:
            handles, labels = axis.get_legend_handles_labels()
            labelled |= dict(zip(labels, handles, strict=True))
        row.legend(labelled.values(), labelled.keys(), loc="outside lower center", ncols=5)
    return figure


def _draw_network(axes: Sequence[plt.Axes], position: Position) -> None:
    layers, nearest = position.layers, position.nearest.iloc[0]
    for axis, quantity in zip(axes, QUANTITIES, strict=False):
        axis.plot(MIDDLES.values(), nearest[f"{quantity}_by_decile"], color=palette.PURPLE, lw=1, label="nearest, mean")
        for verdict, colour in palette.QUALITY.items():
            chosen = layers[layers["verdict"] == verdict]
            if len(chosen):
                depths, values = chosen["conv_depth_norm"].astype(float), chosen[quantity]
                axis.plot(
                    depths, values, "o", color=colour, ms=4, mec=palette.WHITE, mew=0.4, label=f"layer: {verdict}"
                )
    for coordinates, colour, label in (
        (nearest["mean"], palette.PURPLE, "nearest"),
        (position.network["mean"], palette.VERMILLION, "this network"),
    ):
        axes[2].plot(*coordinates[:2], "o", color=colour, ms=7, mec=palette.BLACK, label=label)


def _draw_zoo(axes: Sequence[plt.Axes], zoo: Zoo) -> None:
    for axis, quantity in zip(axes, QUANTITIES, strict=False):
        bands = zoo.bands[zoo.bands["quantity"] == quantity]
        depths = [MIDDLES[decile] for decile in bands["depth_decile"]]
        axis.fill_between(depths, bands["p5"], bands["p95"], color=palette.PALE, label="5 to 95 % of layers")
        axis.fill_between(depths, bands["p25"], bands["p75"], color=palette.SKY, alpha=0.5, label="quartiles")
        axis.plot(depths, bands["p50"], color=palette.BLUE, label="median")
        axis.set_xlabel("depth")
        axis.set_ylabel(LABELS[quantity])
        axis.set(xlim=(-0.02, 1.02), ylim=(-0.03, 1.03))
    means = np.stack(zoo.networks["mean"])[:, :2]
    axes[2].plot(*means.T, ".", color=palette.GREY, alpha=0.6, label=f"networks of {zoo.study}")
    for number, (label, ratio) in enumerate(
        zip((axes[2].set_xlabel, axes[2].set_ylabel), zoo.bins.basis.ratios, strict=False), start=1
    ):
        label(f"mean coefficient {number} ({ratio:.0%})")
