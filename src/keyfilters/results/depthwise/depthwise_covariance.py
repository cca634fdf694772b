"""The figure `depthwise_covariance`: the covariance of the taps of depthwise filters by depth.

Trockman et al. 2022 (arXiv 2210.03651) found it to be of one structure in networks that have little else in common.
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

from keyfilters.analysis.cluster_bootstrap import ClusterBootstrap, interval
from keyfilters.analysis.stages import moments
from keyfilters.errors import KeyfiltersError
from keyfilters.results.drawing import files, filters, palette, weights
from keyfilters.results.drawing.style import WIDTH

QUANTITIES = {
    "neighbours": "Correlation of neighbours",
    "centre": "Variance of the centre",
    "alike": "Likeness, same depth",
    "otherwise": "Likeness, other depth",
}


@dataclass(frozen=True)
class Part:
    """Networks `[N]` by their layers of one part of the depth.

    `covariances [N, d, d]`: of each the mean over layers, in units of a layer's mean variance of a tap.
    """

    label: str
    clusters: np.ndarray
    layers: int
    filters: int
    covariances: np.ndarray

    @property
    def correlations(self) -> np.ndarray:
        deviations = np.sqrt(np.diagonal(self.covariances, axis1=1, axis2=2))
        return self.covariances / (deviations[:, :, None] * deviations[:, None, :])


def depthwise_covariance(description: Mapping[str, Any], root: Path, file: Path) -> None:
    """Render `<results>/figures/depthwise_covariance.*` from the moments of the layers of each set.

    Raises KeyfiltersError if no layer of a set has filters enough.
    """
    settings = description["settings"]
    table, arrays = moments.read(filters.read(description, root, "layers"))
    sets, rows, notes = {}, [], []
    for name in settings["sets"]:
        tables = filters.load(description, file.parents[1], name)
        layers = tables.layers
        own = table[table["set"] == name].assign(moments=moments.unstacked(arrays, name))
        layers = layers.merge(own[["model", "layer", "moments"]], on=["model", "layer"], validate="one_to_one")
        kernel = int(layers["kh"].iloc[0]), int(layers["kw"].iloc[0])
        parts = _parts(layers, settings)
        if not parts:
            least = settings["min_filters_of_layer"]
            raise KeyfiltersError(f"no layer of the set {name} has {least} filters; lower `min_filters_of_layer`")
        sets[name] = kernel, parts
        rows += [{"set": name, **row} for row in (*_numbers(parts, kernel, settings), *_entries(parts, kernel))]
        notes += [f"{name}, {tables.notes[0]}", *tables.without_depth()]
    notes += [
        f"Of filters scaled by their peaks (9), around the mean of each layer of at least "
        f"{settings['min_filters_of_layer']} filters; in units of the layer's mean variance of a tap, mean over the "
        "layers of a network and then over networks. Each block is one tap of the kernel, at its place in the kernel, "
        "and in the block are its covariances with all taps; its own variance is where both are. Independent taps "
        "have blocks with that alone.",
        "Correlation of neighbours: mean over taps side by side or one above the other. Variance of the centre: as a "
        "multiple of the mean tap's. Likeness: cosine between the correlations of two independent networks, those of a "
        "tap with itself left out, at one depth or at two; of random filters it is 0. Intervals: 95 %, clusters of "
        f"networks drawn anew {settings['samples']:,} times.",
    ]
    frame = pd.DataFrame(rows, dtype=object)  # numbers and entries have columns of their own
    title = "Covariance of the taps of depthwise filters by depth"
    draw = partial(_draw, sets, title, notes)
    shown = _shown(frame)
    files.publish(description, file, frame.map(_as_text), shown, title, notes, draw)


def _parts(layers: pd.DataFrame, settings: Mapping[str, Any]) -> list[Part]:
    """The parts of the depth, each with the networks that have layers there."""
    count = settings["parts"]
    varying = layers["moments"].map(lambda of_layer: bool((np.diagonal(of_layer.scatter) > 0).all()))
    rows = layers[varying & (layers["filters"] >= settings["min_filters_of_layer"]) & layers["conv_depth_norm"].notna()]
    codes = pd.Series(pd.factorize(rows["cluster"])[0], rows.index)
    number = np.minimum((rows["conv_depth_norm"] * count).astype(int), count - 1)
    parts = []
    for part, of_part in rows.assign(code=codes).groupby(number):
        covariances = [
            np.mean([_scaled(layer.covariance) for layer in of_network["moments"]], axis=0)
            for _, of_network in of_part.groupby("model", sort=False)
        ]
        clusters = of_part.drop_duplicates("model")["code"].to_numpy()
        label = f"depth {part / count:.2g} to {(part + 1) / count:.2g}"
        parts.append(Part(label, clusters, len(of_part), int(of_part["filters"].sum()), np.stack(covariances)))
    return parts


def _scaled(covariance: np.ndarray) -> np.ndarray:
    return covariance * len(covariance) / np.trace(covariance)


def _numbers(parts: list[Part], kernel: tuple[int, int], settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    bootstrap = ClusterBootstrap(1 + max(part.clusters.max() for part in parts), settings["samples"])
    beside = _beside(kernel)
    centre = (kernel[0] // 2) * kernel[1] + kernel[1] // 2
    for part in parts:
        of_part = {"depth": part.label, "networks": len(part.clusters), "independent": len({*part.clusters})}
        of_part |= {"layers": part.layers, "filters": part.filters}
        others = [other for other in parts if other is not part]
        draws = {
            "neighbours": bootstrap.mean(part.correlations[:, *beside].mean(axis=1), part.clusters),
            "centre": bootstrap.mean(part.covariances[:, centre, centre], part.clusters),
            "alike": bootstrap.mean_of_pairs(*_likeness([(part, part)])),
            "otherwise": bootstrap.mean_of_pairs(*_likeness([(part, other) for other in others])),
        }
        for quantity, values in draws.items():
            bounds = interval(values)
            if bounds:
                low, high = bounds
                yield {**of_part, "quantity": quantity, "value": float(values[0]), "low": low, "high": high}


def _beside(kernel: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of taps, one beside or above the other."""
    taps = np.arange(kernel[0] * kernel[1]).reshape(kernel)
    pairs = [(taps[:, :-1], taps[:, 1:]), (taps[:-1], taps[1:])]
    one, other = (np.concatenate([side.ravel() for side in sides]) for sides in zip(*pairs, strict=True))
    return one, other


def _likeness(pairs: list[tuple[Part, Part]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The likeness of every two independent networks of these parts, and the clusters of both."""
    likeness, ones, others = [], [], []
    for one, other in pairs:
        left, right = (_directions(part) for part in (one, other))
        i, j = np.meshgrid(np.arange(len(left)), np.arange(len(right)), indexing="ij")
        chosen = one.clusters[i] != other.clusters[j]
        chosen &= (i < j) if one is other else True
        likeness.append((left @ right.T)[chosen])
        ones.append(one.clusters[i][chosen])
        others.append(other.clusters[j][chosen])
    empty = np.empty(0, int)
    return np.concatenate([np.empty(0), *likeness]), np.concatenate([empty, *ones]), np.concatenate([empty, *others])


def _directions(part: Part) -> np.ndarray:
    """The correlations between two taps of each network, as unit vectors."""
    d = part.covariances.shape[1]
    between = part.correlations[:, *np.triu_indices(d, k=1)]
    return between / np.linalg.norm(between, axis=1, keepdims=True)


def _entries(parts: list[Part], kernel: tuple[int, int]) -> Iterator[dict[str, Any]]:
    """A row for each entry of the mean covariance of a part."""
    for part in parts:
        for (tap, other), value in np.ndenumerate(part.covariances.mean(axis=0)):
            (y, x), (other_y, other_x) = divmod(tap, kernel[1]), divmod(other, kernel[1])
            at = {"y": y, "x": x, "other_y": other_y, "other_x": other_x}
            yield {"depth": part.label, "quantity": "covariance", "value": float(value), **at}


def _as_text(entry: Any) -> Any:
    if pd.isna(entry):
        return ""
    return filters.NUMBERS % entry if isinstance(entry, float) else entry


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    rows = frame[frame["quantity"].isin([*QUANTITIES])]
    table = []
    for (name, depth), of_part in rows.groupby(["set", "depth"], sort=False):
        first = of_part.iloc[0]
        networks = f"{first['networks']} ({first['independent']})"
        row = {"Set": name, "Depth": depth.removeprefix("depth "), "Networks (independent)": networks}
        row |= {"Layers": first["layers"], "Filters": f"{first['filters']:,}"}
        by_quantity = of_part.set_index("quantity")
        for quantity, words in QUANTITIES.items():
            measured = quantity in by_quantity.index
            value, low, high = by_quantity.loc[quantity, ["value", "low", "high"]] if measured else (None,) * 3
            row[f"{words} (95 %)"] = f"{value:.2f} ({low:.2f} to {high:.2f})" if measured else ""
        table.append(row)
    return pd.DataFrame(table)


def _draw(sets: Mapping[str, tuple[tuple[int, int], list[Part]]], title: str, notes: list[str]) -> Figure:
    columns = max(len(parts) for _, parts in sets.values())
    height = (WIDTH / columns + 0.35) * len(sets) + 1  # with titles, heading and colours
    figure, axes = plt.subplots(len(sets), columns, figsize=(WIDTH, height), layout="constrained", squeeze=False)
    files.heading(figure, title)
    for row, (name, (kernel, parts)) in zip(axes, sets.items(), strict=True):
        for axis, part in zip(row, parts, strict=False):
            weights.show(axis, _blocks(part.covariances.mean(axis=0), kernel), 1.0)
            for tap in range(1, kernel[0]):
                axis.axhline(tap * kernel[0] - 0.5, color=palette.WHITE)
            for tap in range(1, kernel[1]):
                axis.axvline(tap * kernel[1] - 0.5, color=palette.WHITE)
            axis.set_title(f"{name}, {part.label}\n{len(part.clusters)} networks, {part.layers} layers")
        for axis in row[len(parts) :]:
            axis.axis("off")
    weights.colour_bar(figure, axes, "covariance, in units of the mean variance of a tap; full colour: 1 and more")
    files.caption(figure, notes)
    return figure


def _blocks(covariance: np.ndarray, kernel: tuple[int, int]) -> np.ndarray:
    """The covariance `[d, d]` as an image of the kernel whose pixels are images of the kernel."""
    height, width = kernel
    return covariance.reshape(height, width, height, width).swapaxes(1, 2).reshape(height * height, width * width)
