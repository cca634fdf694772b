"""Do filters of networks trained on different sets drift less than those of different layers of one network?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from keyfilters.analysis.chance import Compared, Comparison

PERCENTILES = (2.5, 97.5)  # of a 95 % interval
MIN_NETWORKS = 3  # that an interval is made from


@dataclass(frozen=True)
class Pairs:
    """The mean D over so many pairs, `beyond` chance and by `chance`.

    `interval`: 95 % of what it is more than that between sets, over networks drawn anew (bootstrap); None for the sets
    themselves and of fewer than three networks.
    """

    count: int
    beyond: float
    chance: float
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Answer:
    """Drift between networks of one architecture on different `sets`, layer by layer, and between the `layers` of each.

    `alike`: between those of its layers that have as many filters, so lie in one stage and read maps of one size; None
    if it has no two.
    """

    networks: int
    layers_compared: int
    filters: int
    sets: Pairs
    layers: Pairs
    alike: Pairs | None


def verdict(pairs: Pairs) -> str:
    """What the interval of pairs of layers says about sets and layers."""
    if pairs.interval is None:
        return "too few sets to tell"
    if pairs.interval[0] > 0:
        return "sets drift less"
    return "layers drift less" if pairs.interval[1] < 0 else "undecided"


def answer(cells: np.ndarray, widths: Sequence[int], filters: int, compare: Comparison, samples: int) -> Answer:
    """`cells` `[S, L, d, bins]`: histograms of each of S networks' L layers, at least two of both; `widths [L]`: how
    many filters the layers have. Each is represented by `filters` of them."""
    networks, layers = cells.shape[:2]
    of_sets = {
        (one, other): [compare(cells[one, layer], cells[other, layer], filters) for layer in range(layers)]
        for one, other in combinations(range(networks), 2)
    }
    pairs = list(combinations(range(layers), 2))
    of_layers = [[compare(own[one], own[other], filters) for one, other in pairs] for own in cells]
    between = np.zeros((networks, networks))
    for pair, compared in of_sets.items():
        between[pair] = _beyond(compared)
    counts = compare.random(cells).multinomial(networks, np.full(networks, 1 / networks), size=samples)
    counts = counts[(counts > 0).sum(axis=1) > 1]  # of one network alone there is no pair
    same = [number for number, (one, other) in enumerate(pairs) if widths[one] == widths[other]]
    return Answer(
        networks,
        layers,
        filters,
        _pairs(list(of_sets.values())),
        _pairs(of_layers, between, counts),
        _pairs([[compared[number] for number in same] for compared in of_layers], between, counts) if same else None,
    )


def _pairs(
    compared: list[list[Compared]], between: np.ndarray | None = None, counts: np.ndarray | None = None
) -> Pairs:
    """All of them; with an interval, where `compared` is by network and `between [S, S]` above the diagonal."""
    everything = [each for some in compared for each in some]
    chance = float(np.mean([each.chance for each in everything]))
    interval = None
    if between is not None and len(between) >= MIN_NETWORKS:
        interval = _interval(between, np.array([_beyond(some) for some in compared]), counts)
    return Pairs(len(everything), _beyond(everything), chance, interval)


def _beyond(compared: list[Compared]) -> float:
    return float(np.mean([each.beyond for each in compared]))


def _interval(between: np.ndarray, within: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    """95 % of the mean of `within [S]` less that of `between`, over samples in which each network is so often as
    `counts [samples, S]` say; a pair of a network with itself does not count."""
    upper = np.triu(np.ones_like(between), k=1)
    sets = np.einsum("ni,nj,ij->n", counts, counts, between) / np.einsum("ni,nj,ij->n", counts, counts, upper)
    low, high = np.percentile(counts @ within / len(within) - sets, PERCENTILES)
    return float(low), float(high)
