"""The figure `filterdb_fig7`: coefficients of one network while it is trained (Figure 7 of CNN Filter DB)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from keyfilters.analysis.basis import Bins
from keyfilters.analysis.drift import distributions, drift
from keyfilters.analysis.stages import basis, histograms
from keyfilters.config.analysis import Analysis
from keyfilters.errors import KeyfiltersError
from keyfilters.results.drawing import files, filters, palette
from keyfilters.results.drawing.style import WIDTH
from keyfilters.store import artifacts

SHOWN = 9  # components, the first
VISIBLE = 1e-3  # of the highest density of a component: what its panel is wide enough for


def filterdb_fig7(description: Mapping[str, Any], root: Path, file: Path) -> None:
    """Render `<results>/figures/filterdb_fig7.*` from the histograms of a network's checkpoints below `root`.

    Raises KeyfiltersError if the network has too few filters of the set.
    """
    settings = description["settings"]
    inputs = {role: artifacts.read(root, folder) for role, folder in description["inputs"].items()}
    bins = basis.read(inputs.pop(f"{description['stage']}/basis")).get(settings["set"])
    if bins is None:
        raise KeyfiltersError(f"no network has filters of the set {settings['set']}; set another `set`")
    network = inputs.pop(f"{description['stage']}/network")
    of_epochs = {int(role.partition("/")[2]): artifact for role, artifact in inputs.items()}
    counts = {epoch: histograms.read(of_epochs[epoch])[settings["set"]].sum(axis=0) for epoch in sorted(of_epochs)}
    total = int(counts[max(counts)][0].sum())
    if total < settings["min_filters"]:
        raise KeyfiltersError(
            f"the network has {total:,} filters of the set {settings['set']}, less than {settings['min_filters']:,}; "
            "choose another `lowres.formation` or lower `min_filters`"
        )
    shares = {epoch: of_epoch[:, :-1] / total for epoch, of_epoch in counts.items()}
    outside = max(int(of_epoch[:, -1].sum()) for of_epoch in counts.values())
    frame = _table(counts, bins, Analysis(**{key: settings[key] for key in ("floor", "epsilon")}))
    known, trained = network.facts["entry"], network.description["inputs"]["network"].partition("/")[2]
    title = f"Figure 7: coefficients of {known['Name']} during training on {known['Training-Dataset']}"
    shown = 100 * bins.basis.ratios[:SHOWN].sum()
    notes = [
        f"Study `{file.parents[1].name}`: 1 network, {trained}, after {', '.join(map(str, counts))} epochs of training "
        f"(0: as drawn at random), {total:,} filters of the set {settings['set']} each time, and "
        f"at least {settings['min_filters']:,} are asked for.",
        f"Densities in the study's basis, of {bins.basis.count:,} filters, with {shown:.1f} % of its variance in the "
        f"components shown; {outside} coefficients of an epoch at the most lie outside its range.",
    ]
    draw = partial(_draw, shares, bins, title, notes)
    files.publish(description, file, frame, _shown(frame), title, notes, draw, numbers=filters.NUMBERS)


def _table(counts: Mapping[int, np.ndarray], bins: Bins, analysis: Analysis) -> pd.DataFrame:
    """A row per epoch and component with its `density` in each bin, `deviation`, and drift D (5) to the last epoch."""
    middles, rows = (bins.edges[1:] + bins.edges[:-1]) / 2, []
    last = distributions(counts[max(counts)][:, :-1], bins.width, analysis)
    for epoch, of_epoch in counts.items():
        within = of_epoch[:, :-1]
        to_last = float(drift(distributions(within, bins.width, analysis), last, bins.basis.ratios))
        for component, row in enumerate(within / within.sum(axis=-1, keepdims=True), start=1):
            mean = row @ middles
            deviation = float(np.sqrt(row @ (middles - mean) ** 2))
            densities = {f"{middle:.4g}": share / bins.width for middle, share in zip(middles, row, strict=True)}
            properties = {"epoch": epoch, "component": component, "drift_to_last": to_last, "deviation": deviation}
            rows.append({**properties, **densities})
    return pd.DataFrame(rows)


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Deviations, an epoch a row, a component a column."""
    deviations = frame[frame["component"] <= SHOWN].pivot(index="epoch", columns="component", values="deviation")
    shown = deviations.map(lambda value: f"{value:.3f}").add_prefix("Deviation along ").reset_index(names="Epoch")
    drifts = frame.drop_duplicates("epoch").set_index("epoch")["drift_to_last"]
    shown.insert(1, "D to the last epoch", [f"{drifts[epoch]:.4g}" for epoch in shown["Epoch"]])
    return shown.rename_axis(columns=None)


def _draw(shares: Mapping[int, np.ndarray], bins: Bins, title: str, notes: list[str]) -> Figure:
    number = min(SHOWN, bins.basis.dimensions)
    figure, axes = plt.subplots(3, 3, figsize=(WIDTH, 7), layout="constrained", squeeze=False)
    files.heading(figure, title)
    colours = palette.ordered(len(shares))[::-1]
    for component, axis in enumerate(axes.flat):
        if component >= number:
            axis.axis("off")
            continue
        densities = np.stack([share[component] for share in shares.values()]) / bins.width
        for density, epoch, colour in zip(densities, shares, colours, strict=True):
            axis.stairs(density, bins.edges, color=colour, linewidth=1.3, label=f"epoch {epoch}")
        seen = np.flatnonzero((densities > VISIBLE * densities.max()).any(axis=0))
        axis.set_xlim(bins.edges[seen[0]], bins.edges[seen[-1] + 1])
        ratio = 100 * bins.basis.ratios[component]
        axis.set_title(f"component {component + 1}: {ratio:.1f} % of variance")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right upper")
    for axis in axes[:, 0]:
        axis.set_ylabel("density")
    for axis in axes[-1]:
        axis.set_xlabel("coefficient")
    files.caption(figure, notes)
    return figure
