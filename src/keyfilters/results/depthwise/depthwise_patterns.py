"""The figure `depthwise_patterns`: how much of depthwise filters a few patterns explain, beside random filters.

Babaiee et al. 2025 (arXiv 2509.11711): the filters of trained networks are predominantly a * p + b of eight patterns p.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from keyfilters.analysis import patterns
from keyfilters.analysis.cluster_bootstrap import ClusterBootstrap, interval
from keyfilters.analysis.stages.filter_sets import chosen
from keyfilters.config.analysis import FILTERS_OF
from keyfilters.errors import KeyfiltersError
from keyfilters.filters.store import Store
from keyfilters.results.drawing import files, filters, palette, weights
from keyfilters.results.drawing.style import MIN_POINTS, STYLE, WIDTH

FOLDS = 5  # of the clusters: patterns are fitted to four and judged by the fifth
WELL = 0.9  # of a filter's variance, from which it counts as explained
TRAINED, RANDOM = "filters", "random filters"
QUANTITIES = {"variance": "variance explained", "well": f"filters explained by {WELL:.0%}"}


@dataclass(frozen=True)
class Sample:
    """Filters of a set, `units [n, d]`, of the networks `of [n]`; the `clusters [networks]` of these."""

    units: np.ndarray
    of: np.ndarray
    clusters: np.ndarray
    kernel: tuple[int, int]
    constant: int
    """Filters that were left out: a constant alone explains them."""

    @property
    def weights(self) -> np.ndarray:
        """Each network counts once, `[n]`."""
        return 1 / np.bincount(self.of)[self.of]


def depthwise_patterns(description: Mapping[str, Any], root: Path, file: Path) -> None:
    """Render `<results>/figures/depthwise_patterns.*` from the filters of the networks of each set.

    Raises KeyfiltersError if a set has networks of less than two clusters.
    """
    settings = description["settings"]
    samples, drawn, rows, notes = {}, {}, [], []
    for name in settings["sets"]:
        tables = filters.load(description, file.parents[1], name)
        sample = samples[name] = _sample(description, root, name, tables.layers)
        drawn[name] = patterns.fit(sample.units, sample.weights, settings["drawn"])
        rows += [{"set": name, **row} for row in _curves(sample, settings)]
        notes.append(
            f"{name}, {tables.notes[0]} {len(sample.clusters)} networks with {len(sample.units):,} filters are looked "
            f"at; {sample.constant:,} more are constant."
        )
    notes += [
        f"Of each network at most {settings['filters_of_network']} filters, drawn at random, and each network counts "
        "the same. A filter is a * p + b of the pattern p that explains most of it, with the best a, of either sign, "
        "and b; what b alone explains is no part of its variance.",
        f"Numbers: patterns are fitted to the networks of {FOLDS - 1} of {FOLDS} parts of the clusters and judged by "
        f"those of the other one. Intervals: 95 %, clusters drawn anew {settings['samples']:,} times. Random: as many "
        f"normal filters in their place. Drawn: the {settings['drawn']} patterns of all networks, with the share of "
        "filters that each is the nearest to.",
    ]
    frame = pd.DataFrame(rows)
    title = "How much of depthwise filters a few patterns explain"
    draw = partial(_draw, samples, drawn, frame, title, notes)
    files.publish(description, file, frame, _shown(frame), title, notes, draw, numbers=filters.NUMBERS)


def _sample(description: Mapping[str, Any], root: Path, name: str, layers: pd.DataFrame) -> Sample:
    """Filters of each network of the table, some of the large ones."""
    settings = description["settings"]
    most, of_set = settings["filters_of_network"], {**settings, "sets": {name: settings["sets"][name]}}
    units, constant = {}, 0
    for model in layers["model"].unique():
        store = Store(root, {model: description["inputs"][f"{FILTERS_OF}{model}"]})
        blocks = [block for _, _, blocks in chosen(store, of_set) for _, block in blocks]
        every = np.concatenate(blocks)
        of_model = patterns.units(every)
        constant += len(every) - len(of_model)
        if len(of_model) > most:
            of_model = of_model[np.sort(patterns.random(of_model).choice(len(of_model), most, replace=False))]
        if len(of_model):
            units[model] = of_model
    clusters, _ = pd.factorize(layers.drop_duplicates("model").set_index("model").loc[[*units], "cluster"])
    if len(units) < 2 or not clusters.any():
        raise KeyfiltersError(f"no two independent networks have filters of the set {name}; set other `sets`")
    of = np.repeat(np.arange(len(units)), [len(of_model) for of_model in units.values()])
    return Sample(np.concatenate([*units.values()]), of, clusters, tuple(settings["sets"][name]["kernel"]), constant)


def _curves(sample: Sample, settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each number of patterns, for trained and for random filters."""
    bootstrap = ClusterBootstrap(sample.clusters.max() + 1, settings["samples"])
    generator = patterns.random(sample.units)
    noise = patterns.units(generator.normal(size=sample.units.shape))
    part = generator.permutation(sample.clusters.max() + 1)[sample.clusters] % FOLDS  # of each network
    for count in settings["counts"]:
        for kind, units in ((TRAINED, sample.units), (RANDOM, noise)):
            explained = np.empty(len(units))
            for fold in np.unique(part):
                judged = part[sample.of] == fold
                fitted = patterns.fit(units[~judged], sample.weights[~judged], count)
                explained[judged] = patterns.explained(units[judged], fitted)
            row = {"kind": kind, "patterns": count, "networks": len(part), "filters": len(units)}
            for quantity, values in (("variance", explained), ("well", explained >= WELL)):
                of_networks = np.bincount(sample.of, values) / np.bincount(sample.of)
                draws = bootstrap.mean(of_networks, sample.clusters)
                low, high = interval(draws) or (np.nan, np.nan)
                row |= {quantity: draws[0], f"{quantity}_low": low, f"{quantity}_high": high}
            yield row


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    table = []
    for (name, count), rows in frame.groupby(["set", "patterns"], sort=False):
        trained, noise = (rows[rows["kind"] == kind].iloc[0] for kind in (TRAINED, RANDOM))
        row = {"Set": name, "Patterns": count}
        for quantity, words in QUANTITIES.items():
            low, high = trained[f"{quantity}_low"], trained[f"{quantity}_high"]
            row[f"{words.capitalize()} (95 %)"] = f"{trained[quantity]:.3f} ({low:.3f} to {high:.3f})"
            row[f"{words.capitalize()}, random"] = f"{noise[quantity]:.3f}"
        table.append(row)
    return pd.DataFrame(table)


def _draw(
    samples: Mapping[str, Sample],
    drawn: Mapping[str, np.ndarray],
    frame: pd.DataFrame,
    title: str,
    notes: list[str],
) -> Figure:
    figure = plt.figure(figsize=(WIDTH, 2.5 * len(samples) + 0.4), layout="constrained")
    files.heading(figure, title)
    for row, (name, sample) in zip(np.atleast_1d(figure.subfigures(len(samples), 1)), samples.items(), strict=True):
        left, right = row.subfigures(1, 2, width_ratios=(1.6, 1))
        left.suptitle(f"{name}: {len(drawn[name])} patterns", fontsize=STYLE["axes.titlesize"], x=0.01, ha="left")
        _tiles(left, sample, drawn[name])
        _curve(right, frame[frame["set"] == name])
    files.caption(figure, notes)
    return figure


def _tiles(figure: Figure, sample: Sample, fitted: np.ndarray) -> None:
    shares = np.bincount(patterns.nearest(sample.units, fitted), sample.weights, len(fitted)) / len(sample.clusters)
    axes = figure.subplots(2, (len(fitted) + 1) // 2, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, pattern, share in zip(axes.flat, fitted, shares, strict=False):
        weights.show(axis, pattern.reshape(sample.kernel))
        axis.set_title(f"{share:.1%}", fontsize=MIN_POINTS, loc="center")


def _curve(figure: Figure, frame: pd.DataFrame) -> None:
    axis = figure.subplots()
    for kind, colour, line in ((TRAINED, palette.BLUE, "-"), (RANDOM, palette.GREY, ":")):
        rows = frame[frame["kind"] == kind]
        for quantity, face in (("variance", colour), ("well", palette.WHITE)):
            low, high = rows[f"{quantity}_low"], rows[f"{quantity}_high"]
            axis.fill_between(rows["patterns"], low, high, color=colour, alpha=0.15, linewidth=0)
            label = QUANTITIES[quantity] + (", random" if kind == RANDOM else "")
            look: dict[str, Any] = {"color": colour, "linestyle": line, "markerfacecolor": face, "label": label}
            axis.plot(rows["patterns"], rows[quantity], marker="o", markersize=4, **look)
    axis.set_xscale("log", base=2)
    counts = frame["patterns"].unique()
    axis.set_xticks(counts, counts.astype(str))
    axis.set_ylim(0, 1.02)
    axis.set_xlabel("patterns")
    axis.set_ylabel("share")
    axis.grid(axis="y")
    figure.legend(loc="outside upper right", fontsize=MIN_POINTS, ncols=2)
