"""Do filters of networks trained on different sets drift less than those of different layers of one network?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from keyfilters.analysis.chance import Comparison

MOST_EXTREME = (2.5, 97.5)  # percentiles of a 95 % interval
LEAST_NETWORKS = 3  # that an interval is made from


@dataclass(frozen=True)
class Answer:
    """Mean drift beyond chance of networks of one architecture: between `sets`, layer by layer, and between `layers`.

    Each with what chance alone gives, and the number of pairs. `interval`: 95 % of the difference `layers - sets` over
    networks drawn anew (bootstrap); None of fewer than three.
    """

    networks: int
    layers_compared: int
    filters: int
    sets: float
    sets_by_chance: float
    pairs_of_sets: int
    layers: float
    layers_by_chance: float
    pairs_of_layers: int
    interval: tuple[float, float] | None

    @property
    def difference(self) -> float:
        """Positive where sets drift less than layers."""
        return self.layers - self.sets

    @property
    def verdict(self) -> str:
        if self.interval is None:
            return "too few sets to tell"
        if self.interval[0] > 0:
            return "sets drift less than layers"
        return "layers drift less than sets" if self.interval[1] < 0 else "undecided"


def answer(cells: np.ndarray, filters: int, compare: Comparison, samples: int) -> Answer:
    """`cells` `[S, L, d, bins]`: histograms of each of S networks' L layers; at least two of both.

    Each cell is represented by `filters` of its filters. A set's weight in a sample of the bootstrap is how often it
    was drawn; a pair of one set with itself counts nothing.
    """
    networks, layers = cells.shape[:2]
    of_sets = {
        pair: [compare(cells[pair[0], layer], cells[pair[1], layer], filters) for layer in range(layers)]
        for pair in combinations(range(networks), 2)
    }
    of_layers = [
        [compare(cells[network, one], cells[network, other], filters) for one, other in combinations(range(layers), 2)]
        for network in range(networks)
    ]
    between = np.zeros((networks, networks))
    for pair, found in of_sets.items():
        between[pair] = np.mean([each.beyond for each in found])
    within = np.array([np.mean([each.beyond for each in found]) for found in of_layers])
    all_sets, all_layers = ([each for found in many for each in found] for many in (of_sets.values(), of_layers))
    return Answer(
        networks,
        layers,
        filters,
        float(np.mean([each.beyond for each in all_sets])),
        float(np.mean([each.chance for each in all_sets])),
        len(all_sets),
        float(within.mean()),
        float(np.mean([each.chance for each in all_layers])),
        len(all_layers),
        _interval(between, within, samples, compare.random) if networks >= LEAST_NETWORKS else None,
    )


def _interval(between: np.ndarray, within: np.ndarray, samples: int, random: np.random.Generator):
    """95 % of `layers - sets` from `between [S, S]`, above the diagonal, and `within [S]`."""
    networks = len(within)
    counts = random.multinomial(networks, np.full(networks, 1 / networks), size=samples)
    counts = counts[(counts > 0).sum(axis=1) > 1]  # of one set alone there is no pair
    upper = np.triu(np.ones_like(between), k=1)
    sets = np.einsum("ni,nj,ij->n", counts, counts, between) / np.einsum("ni,nj,ij->n", counts, counts, upper)
    differences = counts @ within / networks - sets
    low, high = np.percentile(differences, MOST_EXTREME)
    return float(low), float(high)
