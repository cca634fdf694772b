"""The figure `depthwise_pca`: the principal components of depthwise filters, with their explained variance."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from keyfilters.analysis.basis import Basis
from keyfilters.analysis.stages import basis as of_basis
from keyfilters.analysis.stages import moments
from keyfilters.errors import KeyfiltersError
from keyfilters.results.drawing import files, filters, palette
from keyfilters.results.drawing import weights as images
from keyfilters.results.drawing.style import MIN_POINTS, STYLE, WIDTH
from keyfilters.store import artifacts

SHOWN = 16  # components of a set, the first
SHARES = (0.9, 0.99)


def depthwise_pca(description: Mapping[str, Any], root: Path, file: Path) -> None:
    """Render `<results>/figures/depthwise_pca.*` from the study's bases below `root`.

    Sets of less than their `min_filters` are left out; raises KeyfiltersError if none remains.
    """
    settings = description["settings"]
    bases, layers = (filters.read(description, root, role) for role in ("basis", "layers"))
    bins, sizes = of_basis.read(bases), _networks(bases, layers)
    enough = {
        name: bins[name].basis
        for name, of_set in settings["sets"].items()
        if name in bins and bins[name].basis.count >= of_set["min_filters"]
    }
    if not enough:
        raise KeyfiltersError(f"no set with enough filters of {', '.join(settings['sets'])}; set other `sets`")
    kernels = {name: tuple(settings["sets"][name]["kernel"]) for name in enough}
    counts = "; ".join(
        f"{name}: {sizes[name]} networks, {basis.count:,} filters (at least {settings['sets'][name]['min_filters']:,})"
        for name, basis in enough.items()
    )
    notes = [
        f"Study `{file.parents[1].name}`. {counts}. PCA of filters scaled by their peaks (9), centred (1)-(3).",
        f"Of each set the mean filter and the first {SHOWN} components in the order of their explained variance, each "
        "from minus (blue) to plus (red) its own largest absolute entry; a component's first entry of the largest size "
        "is positive.",
    ]
    left_out = [name for name in settings["sets"] if name not in enough]
    if left_out:
        notes.append(f"Left out, for too few filters: {', '.join(left_out)}.")
    title = "Principal components of depthwise filters"
    frame = pd.concat([_components(name, basis, kernels[name]) for name, basis in enough.items()])
    shown = pd.DataFrame([_summary(name, basis) for name, basis in enough.items()])
    draw = partial(_draw, enough, kernels, title, notes)
    files.publish(description, file, frame, shown, title, notes, draw, numbers=filters.NUMBERS)


def _networks(bases: artifacts.Artifact, layers: artifacts.Artifact) -> dict[str, int]:
    """How many networks define the basis of each set; those with the same weights count once."""
    table = pd.read_parquet(layers.path / moments.LAYERS)
    models = table[table["model"].isin([*bases.description["inputs"]])].groupby("set")["model"]
    return {name: len({*of_set} - {*bases.facts["same_weights"].get(name, ())}) for name, of_set in models}


def _components(name: str, basis: Basis, kernel: tuple[int, int]) -> pd.DataFrame:
    """A row per weight of each component, with its explained variance ratio, also summed up to this component."""
    width = kernel[1]
    numbers, weights = np.divmod(np.arange(basis.dimensions**2), basis.dimensions)
    return pd.DataFrame(
        {
            "set": name,
            "component": numbers + 1,
            "ratio": basis.ratios[numbers],
            "cumulative": basis.ratios.cumsum()[numbers],
            "y": weights // width,
            "x": weights % width,
            "weight": basis.components.ravel(),
        }
    )


def _summary(name: str, basis: Basis) -> dict[str, str | int]:
    cumulative = basis.ratios.cumsum()
    needed = {f"Components for {share:.0%}": int((cumulative < share).sum()) + 1 for share in SHARES}
    first = ", ".join(f"{100 * ratio:.1f}" for ratio in basis.ratios[:5])
    return {"Set": name, "Filters": f"{basis.count:,}", "First five ratios, %": first, **needed}


def _draw(bases: Mapping[str, Basis], kernels: Mapping[str, Any], title: str, notes: list[str]) -> Figure:
    figure = plt.figure(figsize=(WIDTH, 2.4 * len(bases) + 0.8), layout="constrained")
    files.heading(figure, title)
    for row, (name, basis) in zip(np.atleast_1d(figure.subfigures(len(bases), 1)), bases.items(), strict=True):
        left, right = row.subfigures(1, 2, width_ratios=(3, 1))
        left.suptitle(f"{name}: {basis.count:,} filters", fontsize=STYLE["axes.titlesize"], x=0.01, ha="left")
        _images(left, basis, kernels[name])
        axis = right.subplots()
        numbers = np.arange(1, basis.dimensions + 1)
        axis.bar(numbers, basis.ratios, color=palette.SKY)
        axis.plot(numbers, basis.ratios.cumsum(), ".-", color=palette.BLUE, markersize=3)
        axis.set_ylim(0, 1.02)
        axis.set_xlabel("component")
        axis.set_ylabel("explained variance\n(bars: of each; line: up to it)")
    files.caption(figure, notes)
    return figure


def _images(figure: Figure, basis: Basis, kernel: tuple[int, int]) -> None:
    drawn = [("mean", basis.mean)]
    drawn += [
        (f"{number}: {100 * ratio:.1f} %", component)
        for number, (ratio, component) in enumerate(zip(basis.ratios, basis.components, strict=True), start=1)
    ][:SHOWN]
    axes = figure.subplots(2, (len(drawn) + 1) // 2, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, (label, weights) in zip(axes.flat, drawn, strict=False):
        images.show(axis, weights.reshape(kernel))
        axis.set_title(label, fontsize=MIN_POINTS, loc="center")
