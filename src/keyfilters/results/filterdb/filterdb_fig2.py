"""The figure `filterdb_fig2`: sparsity and entropy by depth of three classes of classifiers (Figure 2 of CNN Filter
DB)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from safetensors import safe_open

from keyfilters.analysis.groups import DECILE_NAMES, depth_decile
from keyfilters.results.drawing import files, filters, palette
from keyfilters.results.drawing.style import WIDTH
from keyfilters.store import artifacts
from keyfilters.training.weights import WEIGHTS

OVER, ROBUST, REGULAR = "over-parameterised", "robust", "regular"
COLOURS = {ROBUST: palette.GREEN, REGULAR: palette.BLUE}
OF_OVER = (palette.VERMILLION, palette.ORANGE, palette.PURPLE, palette.SKY)  # of one set after the other
QUANTITIES = {"sparsity": "sparsity S (6)", "entropy": "entropy H (7)"}
MIN_RANGE = 0.1  # of the axis of sparsity
BOXES = 0.8  # of a decile's width, that its boxes share


def filterdb_fig2(description: Mapping[str, Any], root: Path, file: Path) -> None:
    """Render `<results>/figures/filterdb_fig2.*` from the tables of a set of filters and the networks trained here."""
    settings = description["settings"]
    tables = filters.load(description, file.parents[1])
    ratios = weights_per_picture(description, root)
    over = {name for name, ratio in ratios.items() if ratio >= settings["weights_per_picture"]}
    layers = classified(tables.layers, over, settings["robust"], settings.get("by_training_set", False))
    counted = layers.groupby("class")["filters"].sum()
    named = {*counted.index, *COLOURS} | (set() if any(map(_is_over, counted.index)) else {OVER})
    small = [name for name in _ordered(named) if counted.get(name, 0) < settings["min_filters"]]
    layers = layers[~layers["class"].isin(small)]
    title = "Figure 2: sparsity and entropy by depth of over-parameterised, robust and regular classifiers"
    notes = [*_counts(layers, file.parents[1].name), *_rules(settings, ratios, over, layers, small)]
    shown = pd.DataFrame([_summary(name, layers[layers["class"] == name]) for name in _classes(layers)])
    columns = ["class", "model", "Training-Dataset", "layer", "depth_decile", "filters", "sparsity", "entropy"]
    frame = layers[[*columns, "judged"]].rename(columns={"Training-Dataset": "training_set"})
    frame = frame.assign(training_set=frame["training_set"].fillna("not stated"))
    draw = partial(_draw, layers, settings["min_layers"], title, notes)
    files.publish(description, file, frame, shown, title, notes, draw, numbers=filters.NUMBERS)


def weights_per_picture(description: Mapping[str, Any], root: Path) -> dict[str, float]:
    """Of each network trained here, by model id: the weights of its layers for each image that it was trained on."""
    ratios = {}
    for role, folder in description["inputs"].items():
        kind, _, name = role.partition("/")
        if kind == "network":
            artifact = artifacts.manifest(root, folder)
            with safe_open(artifact.path / WEIGHTS, framework="numpy") as weights:
                shapes = [weights.get_slice(key).get_shape() for key in weights.keys()]  # noqa: SIM118
            count = sum(math.prod(shape) for shape in shapes if len(shape) > 1)  # not normalisation's, nor biases
            ratios[name] = count / artifact.facts["dataset"]["train"]
    return ratios


def classified(layers: pd.DataFrame, over: set[str], robust: list[str], by_training_set: bool) -> pd.DataFrame:
    """The layers of classifiers with their network's `class` and whether their entropy can be `judged`: a layer of few
    filters has a low one whatever its weights. Where a file tells no depths (`by_order`), layers lie in its order."""
    classifiers = layers[layers["Task"] == "classification"].copy()
    of_model = classifiers.groupby("model", sort=False)
    classifiers["by_order"] = of_model["conv_depth_norm"].transform("count") == 0
    order = of_model.cumcount() / (of_model["layer"].transform("size") - 1).clip(lower=1)
    classifiers["depth_decile"] = depth_decile(classifiers["conv_depth_norm"].where(~classifiers["by_order"], order))
    classifiers = classifiers[classifiers["depth_decile"].notna()]
    classes = classifiers["model"].map(lambda name: ROBUST if name in robust else OVER if name in over else REGULAR)
    if by_training_set:
        classes = classes.mask(classes == OVER, f"{OVER}, " + classifiers["Training-Dataset"])
    return classifiers.assign(**{"class": classes}, judged=classifiers["verdict"] != "too few")


def _is_over(name: str) -> bool:
    return name.startswith(OVER)


def _ordered(classes: Iterable[str]) -> list[str]:
    """Those that are over-parameterised first."""
    return sorted(classes, key=lambda name: (("", *COLOURS).index("" if _is_over(name) else name), name))


def _classes(layers: pd.DataFrame) -> list[str]:
    return _ordered(layers["class"].unique())


def _colours(classes: list[str]) -> dict[str, str]:
    over = zip(filter(_is_over, classes), itertools.cycle(OF_OVER), strict=False)
    return {**dict(over), **COLOURS}


def _counts(layers: pd.DataFrame, study: str) -> list[str]:
    each = []
    for name in _classes(layers):
        rows = layers[layers["class"] == name]
        networks, filters_of = rows["model"].nunique(), rows["filters"].sum()
        each.append(f"{name}: {networks} network{'s' * (networks != 1)}, {len(rows)} layers, {filters_of:,} filters")
    return [f"Study `{study}`: {'; '.join(each)}." if each else f"Study `{study}`: no class with enough filters."]


def _rules(
    settings: Mapping[str, Any], ratios: Mapping[str, float], over: set[str], layers: pd.DataFrame, small: list[str]
) -> list[str]:
    lowest = f" (here {min(ratios[name] for name in over):.0f} or more)" if over else ""
    robust = layers[layers["class"] == ROBUST]
    sets = filters.listed(sorted(robust["Training-Dataset"].dropna().unique()))
    named = f"{filters.listed(sorted(robust['model'].unique()))}, trained on {sets}" if len(robust) else "none"
    judged = int((~layers["judged"]).sum())
    ordered = filters.listed(sorted(layers.loc[layers["by_order"], "model"].unique()))
    notes = [
        f"Over-parameterised: networks trained here with at least {settings['weights_per_picture']:g} weight for each "
        f"training image{lowest}; robust: {named}; regular: all other classifiers of the zoo. The paper's robust "
        "networks are classifiers of ImageNet from RobustBench, its regular ones all classifiers of ImageNet.",
        f"By depth decile, layer by layer; boxes: quartiles, whiskers 1.5 of their range, without outliers; classes of "
        f"less than {settings['min_layers']} layers in a decile: a dot for each layer. A class has at least "
        f"{settings['min_filters']:,} filters; entropy is without {judged} layers that have too few to judge it by.",
    ]
    if ordered:
        notes.append(f"Files that tell no depths, whose layers lie in the file's order: {ordered}.")
    if small:
        notes.append(f"Left out, for too few filters: {', '.join(small)}.")
    return notes


def _summary(name: str, layers: pd.DataFrame) -> dict[str, str | int]:
    judged = layers[layers["judged"]]
    row = {
        "Class": name,
        "Networks": layers["model"].nunique(),
        "Layers": len(layers),
        "Filters": f"{layers['filters'].sum():,}",
    }
    halves = {"first half": DECILE_NAMES[:5], "last half": DECILE_NAMES[5:]}
    for quantity, rows in (("sparsity", layers), ("entropy", judged)):
        row[f"Mean {quantity}"] = _mean(rows[quantity])
        for half, deciles in halves.items():
            row[f"{quantity}, {half}"] = _mean(rows.loc[rows["depth_decile"].isin(deciles), quantity])
    return row


def _mean(values: pd.Series) -> str:
    return f"{values.mean():.3f}" if len(values) else ""


def _draw(layers: pd.DataFrame, least: int, title: str, notes: list[str]) -> Figure:
    figure, axes = plt.subplots(2, 2, figsize=(WIDTH, 6.5), layout="constrained", sharex=True, sharey="row")
    files.heading(figure, title)
    classes = _classes(layers)
    colours = _colours(classes)
    panels = ([*filter(_is_over, classes), REGULAR], [ROBUST, REGULAR])
    for column, shown in enumerate(panels):
        for row, (quantity, label) in enumerate(QUANTITIES.items()):
            axis = axes[row, column]
            rows = layers if quantity == "sparsity" else layers[layers["judged"]]
            width = BOXES / len(shown)
            for number, name in enumerate(shown):
                side = (number - (len(shown) - 1) / 2) * width
                _boxes(axis, rows[rows["class"] == name], quantity, colours[name], side, width, least)
            axis.grid(axis="y")
            if column == 0:
                axis.set_ylabel(label)
            if row == 1:
                axis.set_xticks(range(len(DECILE_NAMES)), DECILE_NAMES, rotation=45, ha="right")
                axis.set_xlabel("depth decile")
        axes[0, column].set_title(f"{(OVER, ROBUST)[column]} and {REGULAR}")
    networks = layers.groupby("class")["model"].nunique()
    handles = [Patch(color=colours[name], label=f"{name} ({networks[name]})") for name in classes]
    if handles:
        axes[0, 1].legend(handles=handles, title="class (networks)", loc="upper right")
    top = max(MIN_RANGE, axes[0, 0].get_ylim()[1])
    axes[0, 0].set_ylim(-0.03 * top, top)
    files.caption(figure, notes)
    return figure


def _boxes(
    axis: plt.Axes, layers: pd.DataFrame, quantity: str, colour: str, side: float, width: float, least: int
) -> None:
    for position, decile in enumerate(DECILE_NAMES):
        values = layers.loc[layers["depth_decile"] == decile, quantity].to_numpy()
        if len(values) >= least:
            axis.boxplot(
                values,
                positions=[position + side],
                widths=0.875 * width,
                showfliers=False,
                patch_artist=True,
                manage_ticks=False,
                boxprops={"facecolor": colour, "alpha": 0.6},
                medianprops={"color": palette.BLACK},
            )
        elif len(values):
            axis.plot(np.full(len(values), position + side), values, "o", color=colour, markersize=5)
