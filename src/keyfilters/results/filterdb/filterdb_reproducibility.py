"""The figure `filterdb_reproducibility`: accuracy and drift over seeds (section 4.2 of CNN Filter DB)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keyfilters.analysis.chance import Compared, Comparison
from keyfilters.analysis.stages import basis, histograms
from keyfilters.config.analysis import Analysis
from keyfilters.errors import KeyfiltersError
from keyfilters.results.drawing import files, filters
from keyfilters.results.drawing.table import Grid, draw
from keyfilters.store import artifacts

COLUMNS = ["Networks", "Pairs", "Filters each", "Accuracy, %", "Mean D", "Largest D", "Mean D by chance"]


@dataclass(frozen=True)
class Network:
    """A low-resolution network of one seed: `counts [d, bins]` within the range of the study's histograms."""

    name: str
    network: str
    dataset: str
    title: str
    accuracy: float
    counts: np.ndarray

    @property
    def filters(self) -> int:
        return int(self.counts[0].sum())


def filterdb_reproducibility(description: Mapping[str, Any], root: Path, file: Path) -> None:
    """Render `<results>/figures/filterdb_reproducibility.*` from the low-resolution networks below `root`.

    Raises KeyfiltersError if less than two networks have filters enough.
    """
    settings = description["settings"]
    bins = basis.read(artifacts.read(root, description["inputs"][f"{description['stage']}/basis"])).get(settings["set"])
    if bins is None:
        raise KeyfiltersError(f"no network has filters of the set {settings['set']}; set another `set`")
    candidates = [_network(description, root, *entry) for entry in settings["networks"]]
    networks = [network for network in candidates if network.filters >= settings["min_filters"]]
    if len(networks) < 2:
        raise KeyfiltersError(f"less than two networks with {settings['min_filters']:,} filters; lower `min_filters`")
    analysis = Analysis(**{key: settings[key] for key in ("floor", "epsilon")})
    compare = Comparison(bins, analysis, settings["draws"])
    pairs = {(one.name, other.name): compare(one.counts, other.counts) for one, other in combinations(networks, 2)}
    rows = [_row(kind, label, members, chosen, pairs) for kind, label, members, chosen in groups_of_pairs(networks)]
    left_out = [network.name for network in candidates if network not in networks]
    notes = [
        f"Study `{file.parents[1].name}`: {len(networks)} low-resolution networks with "
        f"{sum(network.filters for network in networks):,} filters of the set {settings['set']}, each with at least "
        f"{settings['min_filters']:,}; accuracy on the test images, with its standard deviation over seeds; D (5) in "
        "nats, in the study's basis.",
        f"By chance: the filters of both networks dealt to two groups of the same sizes, mean of {settings['draws']} "
        "draws; what D is of two networks of one distribution.",
    ]
    if left_out:
        notes.append(f"Left out, for too few filters: {filters.listed(left_out)}.")
    title = "Reproducibility of filters: drift D over the seeds of one network, beside other drifts"
    lines = [_text(row) for row in rows]
    grid = Grid(
        corner="Between",
        columns=COLUMNS,
        rows=[f"{row['between']}: {row['of']}" for row in rows],
        text=lines,
    )
    shown = pd.DataFrame(grid.lines, columns=[grid.corner, *grid.columns])
    frame = pd.DataFrame(rows)
    picture = partial(draw, grid, title, notes)
    files.publish(description, file, frame, shown, title, notes, picture, numbers=filters.NUMBERS)


def _network(description: Mapping[str, Any], root: Path, name: str, dataset: str, network: str) -> Network:
    inputs = description["inputs"]
    facts = artifacts.manifest(root, inputs[f"network/{name}"]).facts
    counted = histograms.read(artifacts.read(root, inputs[f"histograms/{name}"]))
    counts = counted[description["settings"]["set"]].sum(axis=0)[:, :-1]
    return Network(name, network, dataset, facts["dataset"]["title"], facts["accuracy"], counts)


Pairs = list[tuple[Network, Network]]


def groups_of_pairs(networks: list[Network]) -> Iterator[tuple[str, str, list[Network], Pairs]]:
    """What is compared, in words, the networks, and the pairs of them: seeds of one network on one set, the different
    networks of a set, the sets of a network."""
    kinds = (
        ("seeds", lambda network: (network.network, network.dataset), lambda one, other: True),
        ("networks", lambda network: (network.dataset,), lambda one, other: one.network != other.network),
        ("sets", lambda network: (network.network,), lambda one, other: one.dataset != other.dataset),
    )
    for kind, key, counts in kinds:
        for value in dict.fromkeys(key(network) for network in networks):
            members = [network for network in networks if key(network) == value]
            pairs = [pair for pair in combinations(members, 2) if counts(*pair)]
            if pairs:
                label = {
                    "seeds": f"{members[0].network} on {members[0].title}",
                    "networks": f"all on {members[0].title}",
                    "sets": members[0].network,
                }[kind]
                yield kind, label, members, pairs


def _row(
    kind: str, label: str, members: list[Network], pairs: Pairs, by_pair: Mapping[tuple[str, str], Compared]
) -> dict[str, Any]:
    compared = [by_pair[one.name, other.name] for one, other in pairs]
    accuracies = 100 * np.array([network.accuracy for network in members])
    sizes = [network.filters for network in members]
    seeds = kind == "seeds"
    return {
        "between": kind,
        "of": label,
        "networks": len(members),
        "pairs": len(pairs),
        "fewest_filters": min(sizes),
        "most_filters": max(sizes),
        "accuracy": accuracies.mean() if seeds else "",
        "deviation": accuracies.std(ddof=1) if seeds else "",
        "mean_drift": np.mean([each.drift for each in compared]),
        "largest_drift": max(each.drift for each in compared),
        "mean_chance": np.mean([each.chance for each in compared]),
    }


def _text(row: Mapping[str, Any]) -> list[str]:
    few, most = row["fewest_filters"], row["most_filters"]
    return [
        str(row["networks"]),
        str(row["pairs"]),
        f"{few:,}" if few == most else f"{few:,} to {most:,}",
        f"{row['accuracy']:.1f} ± {row['deviation']:.1f}" if row["between"] == "seeds" else "",
        *(f"{row[key]:.4f}" for key in ("mean_drift", "largest_drift", "mean_chance")),
    ]
