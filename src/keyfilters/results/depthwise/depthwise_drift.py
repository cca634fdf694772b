"""The figure `depthwise_drift`: drift of depthwise filters between layers, training sets and architectures.

Do the filters of one architecture that are trained on different sets drift less than those of its different layers?
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from keyfilters.analysis.chance import Comparison
from keyfilters.analysis.sets_and_layers import Answer, Pairs, answer, verdict
from keyfilters.analysis.stages import basis, histograms
from keyfilters.config.analysis import Analysis
from keyfilters.errors import KeyfiltersError
from keyfilters.results.depthwise import trained_networks
from keyfilters.results.drawing import files, filters, heat_maps, palette
from keyfilters.results.drawing.style import WIDTH
from keyfilters.store import artifacts

UNIT = "D beyond chance (nats), 0 if below"
KINDS = {"sets": "sets, layer by layer", "layers": "layers of a network", "alike": "its layers of one width"}


@dataclass(frozen=True)
class Panel:
    """Groups, `group`, `models`, `filters`, and mean D beyond chance between them, `filters` of each at a time.

    `drift` and `chance` `[N, N]`, zero on the diagonal.
    """

    title: str
    groups: pd.DataFrame
    filters: int
    drift: np.ndarray
    chance: np.ndarray


def depthwise_drift(description: Mapping[str, Any], root: Path, file: Path) -> None:
    """Render `<results>/figures/depthwise_drift.*` from the histograms of the networks trained here below `root`.

    Raises KeyfiltersError if no architecture has two networks and two layers with filters enough.
    """
    settings, name = description["settings"], description["settings"]["set"]
    inputs = {role.rpartition("/")[2]: folder for role, folder in description["inputs"].items()}
    layers = trained_networks.layers(filters.load(description, file.parents[1]).layers, settings["networks"])
    bins = basis.read(artifacts.read(root, inputs["basis"])).get(name)
    if bins is None or layers.empty:
        raise KeyfiltersError(f"no network trained here has filters of the set {name}; set another `set`")
    read = {model: histograms.read(artifacts.read(root, inputs[model]))[name] for model in layers["model"].unique()}
    counts = np.concatenate(list(read.values()))[..., :-1]
    layers = layers.reset_index(drop=True)
    compare = Comparison(bins, Analysis(**{key: settings[key] for key in ("floor", "epsilon")}), settings["draws"])
    answers = {
        architecture: answer(cells, widths, settings["min_filters_of_layer"], compare, settings["samples"])
        for architecture, cells, widths in _cells(layers, counts, settings["min_filters_of_layer"])
    }
    if not answers:
        raise KeyfiltersError(
            f"no architecture with two networks and two layers of {settings['min_filters_of_layer']} filters; "
            "lower `min_filters_of_layer` or name more networks in `zoo.trained`"
        )
    panels = [
        _panel(title, layers.loc[rows], labels, counts[rows], settings["min_filters"], compare)
        for title, rows, labels in _groupings(layers, next(iter(answers)))
    ]
    notes = _notes(settings, layers, panels, file.parents[1].name)
    title = f"Drift of depthwise filters between layers, training sets and architectures ({name})"
    frame = pd.concat([*(_pairs(panel) for panel in panels), _answers(answers)]).astype(object)
    shown = _shown(answers)
    draw = partial(_draw, panels, answers, title, notes)
    files.publish(description, file, frame.where(frame.notna(), ""), shown, title, notes, draw, numbers=filters.NUMBERS)


def _cells(layers: pd.DataFrame, counts: np.ndarray, least: int) -> Iterator[tuple[str, np.ndarray, list[int]]]:
    """Histograms `[S, L, d, bins]` of the layers with filters enough of each architecture's networks, one per training
    set, and the layers' numbers of filters; the architecture with the most sets first."""
    sets = layers.groupby("architecture", sort=False)["training_set"].nunique()
    for architecture in sets.sort_values(ascending=False, kind="stable").index:
        rows = layers[(layers["architecture"] == architecture) & (layers["filters"] >= least)]
        networks = rows.drop_duplicates("training_set")["model"]  # of several seeds the first
        own = {model: rows.loc[rows["model"] == model, "filters"] for model in networks}
        widths = next(iter(own.values())).tolist() if own else []
        by_set = [counts[of.index] for of in own.values() if of.tolist() == widths]  # those of one shape alone
        if len(by_set) > 1 and len(widths) > 1:
            yield architecture, np.stack(by_set), widths


def _groupings(layers: pd.DataFrame, architecture: str) -> Iterator[tuple[str, np.ndarray, pd.Series]]:
    """Titles, rows and labels of the panels."""
    own = layers["architecture"] == architecture
    yield f"Layers of {architecture}", own.to_numpy(), "layer " + layers.loc[own, "position"].map("{:02}".format)
    yield f"Training sets of {architecture}", own.to_numpy(), layers.loc[own, "training_set"]
    of_sets = layers.groupby("training_set", sort=False)["architecture"].nunique()
    same = layers["training_set"] == of_sets.idxmax()
    yield f"Architectures on {of_sets.idxmax()}", same.to_numpy(), layers.loc[same, "architecture"]


def _panel(
    title: str, layers: pd.DataFrame, labels: pd.Series, counts: np.ndarray, least: int, compare: Comparison
) -> Panel:
    table, sums = [], []
    for group, rows in layers.assign(row=np.arange(len(layers))).groupby(labels, sort=False):
        if rows["filters"].sum() >= least:
            table.append((group, rows["model"].nunique(), int(rows["filters"].sum())))
            sums.append(counts[rows["row"]].sum(axis=0))
    groups = pd.DataFrame(table, columns=["group", "models", "filters"])
    filters = int(groups["filters"].min()) if len(groups) else 0
    drift, chance = np.zeros((2, len(groups), len(groups)))
    for one, other in combinations(range(len(groups)), 2):
        compared = compare(sums[one], sums[other], filters)
        drift[one, other] = drift[other, one] = compared.drift
        chance[one, other] = chance[other, one] = compared.chance
    return Panel(title, groups, filters, drift, chance)


def _notes(settings: Mapping[str, Any], layers: pd.DataFrame, panels: list[Panel], study: str) -> list[str]:
    equal = "; ".join(f"{panel.title}: {panel.filters:,}" for panel in panels)
    return [
        f"Study `{study}`: {layers['model'].nunique()} networks trained here with {layers['filters'].sum():,} filters "
        f"of the set {settings['set']}; D (5) in nats, in the study's basis. Networks in brackets. A group has at "
        f"least {settings['min_filters']:,} filters, a layer of the comparison {settings['min_filters_of_layer']}.",
        "Few filters drift by chance alone, the more the fewer. So groups are compared by as many filters of each, "
        f"drawn without replacement ({equal}; {settings['draws']} draws), and what is shown is D beyond that of the "
        "same filters dealt to two groups at random; of one distribution it is 0 on average.",
        f"Below right: mean over pairs, {settings['min_filters_of_layer']} filters of each layer. Blue line: as high "
        "as the bar of the sets; black line, drawn from there: 95 % interval of another bar's difference from it, over "
        f"training sets drawn anew {settings['samples']:,} times.",
        "A weight that only ever meets the padding of its layer's map is never trained, so layers differ by the sizes "
        "of their maps too; layers of one width have one size. Networks of one seed on sets of as many classes begin "
        "with the same weights.",
    ]


def _pairs(panel: Panel) -> pd.DataFrame:
    one, other = np.triu_indices(len(panel.groups), k=1)
    names, counts = panel.groups["group"].to_numpy(), panel.groups["filters"].to_numpy()
    drift, chance = panel.drift[one, other], panel.chance[one, other]
    columns = {"panel": panel.title, "one": names[one], "other": names[other]}
    columns |= {"filters_of_one": counts[one], "filters_of_other": counts[other], "filters_drawn": panel.filters}
    return pd.DataFrame(columns | {"drift": drift, "by_chance": chance, "beyond_chance": drift - chance})


def _kinds(drifts: Answer) -> dict[str, Pairs]:
    """What is compared, in words, and the pairs of it."""
    by_label = {label: getattr(drifts, kind) for kind, label in KINDS.items()}
    return {label: pairs for label, pairs in by_label.items() if pairs}


def _answers(answers: Mapping[str, Answer]) -> pd.DataFrame:
    """A row for each kind of pairs of each architecture."""
    rows = []
    for architecture, drifts in answers.items():
        for label, pairs in _kinds(drifts).items():
            row = {"panel": f"Mean of {architecture}", "one": label, "other": label}
            row |= {"filters_drawn": drifts.filters, "pairs": pairs.count}
            low, high = pairs.interval or ("", "")
            row |= {"drift": pairs.beyond + pairs.chance, "by_chance": pairs.chance, "beyond_chance": pairs.beyond}
            rows.append(row | {"low_above_sets": low, "high_above_sets": high})
    return pd.DataFrame(rows)


def _shown(answers: Mapping[str, Answer]) -> pd.DataFrame:
    rows = []
    for architecture, drifts in answers.items():
        for label, pairs in _kinds(drifts).items():
            above = pairs.beyond - drifts.sets.beyond
            interval = f" ({pairs.interval[0]:.3f} to {pairs.interval[1]:.3f})" if pairs.interval else ""
            of_sets = pairs is drifts.sets
            rows.append(
                {
                    "Architecture": architecture,
                    "Sets": drifts.networks,
                    "Layers compared": drifts.layers_compared,
                    "Filters of a layer": drifts.filters,
                    "Between": label,
                    "Pairs": pairs.count,
                    "D by chance": f"{pairs.chance:.3f}",
                    "D beyond chance": f"{pairs.beyond:.3f}",
                    "Above that of sets (95 %)": "" if of_sets else f"{above:.3f}{interval}",
                    "So": "" if of_sets else verdict(pairs),
                }
            )
    return pd.DataFrame(rows)


def _draw(panels: list[Panel], answers: Mapping[str, Answer], title: str, notes: list[str]) -> Figure:
    height = max(3.4, *(heat_maps.height(len(panel.groups)) for panel in panels))
    figure, axes = plt.subplots(2, 2, figsize=(WIDTH, 2 * height + 0.4), layout="constrained")
    files.heading(figure, title)
    for axis, panel in zip(axes.flat, panels, strict=False):
        groups = panel.groups[["group", "models"]].itertuples(index=False)
        labels = [f"{group} ({models})" for group, models in groups]
        heat_maps.draw(figure, axis, panel.title, labels, (panel.drift - panel.chance).clip(min=0), UNIT)
    _bars(axes[1, 1], answers)
    files.caption(figure, notes)
    return figure


def _bars(axis: plt.Axes, answers: Mapping[str, Answer]) -> None:
    kinds = zip((-0.27, 0, 0.27), KINDS.values(), (palette.DISTANT, palette.ORANGE, palette.GREEN), strict=True)
    for side, label, colour in kinds:
        bars = [(x, _kinds(drifts).get(label), drifts.sets) for x, drifts in enumerate(answers.values())]
        drawn = [(x + side, pairs, sets) for x, pairs, sets in bars if pairs]
        axis.bar(
            [x for x, *_ in drawn],
            [pairs.beyond for _, pairs, _ in drawn],
            0.25,
            label=label,
            color=colour,
        )
        for x, pairs, sets in drawn:
            axis.plot([x - 0.12, x + 0.12], [sets.beyond] * 2, color=palette.DISTANT, linewidth=0.8)
            if pairs.interval:
                axis.plot([x] * 2, [sets.beyond + end for end in pairs.interval], color=palette.BLACK, linewidth=1.2)
    labels = ["\n".join([*name.split(", "), f"{of.networks} sets"]) for name, of in answers.items()]
    axis.set_xticks(range(len(answers)), labels)
    axis.set_title("Mean over pairs of sets, and of layers")
    axis.set_ylabel("D beyond chance (nats)")
    axis.axhline(0, color=palette.BLACK, linewidth=0.6)
    axis.set_ylim(top=1.35 * axis.get_ylim()[1])  # room for the legend
    axis.legend(loc="upper right")
