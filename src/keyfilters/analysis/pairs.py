"""`keyfilters drift A B`: the drift between two networks in a study's bases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keyfilters.analysis.basis import Bins
from keyfilters.analysis.drift import distributions, symmetric_kl, weighted
from keyfilters.analysis.stages.histograms import counted
from keyfilters.config.analysis import Analysis, filters_of
from keyfilters.errors import KeyfiltersError
from keyfilters.filters.store import Filters


@dataclass(frozen=True)
class Pair:
    """Two networks' filters of one set: how many each has, how many coefficients of each lie outside the range.

    `components [d]`: symmetric KL (4) along each component, in nats; `weights [d]`: their explained variance ratios;
    `drift`: D (5).
    """

    set: str
    filters: tuple[int, int]
    outside: tuple[int, int]
    components: list[float]
    weights: list[float]
    drift: float


Counts = dict[str, np.ndarray]


def histograms(filters: Filters, bins: dict[str, Bins], analysis: Analysis) -> Counts:
    """Of each set with a basis: counts `[d, bins + 1]` of a network's coefficients, the last of those outside."""
    return {name: layers.sum(axis=0) for name, layers in counted(filters, bins, filters_of(analysis)).items()}


def drift(one: Counts, other: Counts, bins: dict[str, Bins], analysis: Analysis) -> list[Pair]:
    """The drift of every set of filters that both have, from their `histograms`.

    Raises KeyfiltersError if there is none.
    """
    pairs = []
    for name, of_set in bins.items():
        counts = one[name], other[name]
        filters = [int(of[0].sum()) for of in counts]
        if all(filters):
            p, q = (distributions(of[:, :-1], of_set.width, analysis) for of in counts)
            divergences = symmetric_kl(p, q)
            outside = tuple(int(of[:, -1].sum()) for of in counts)
            weights = of_set.basis.ratios
            total = float(weighted(divergences, weights))
            pairs.append(Pair(name, tuple(filters), outside, divergences.tolist(), weights.tolist(), total))
    if not pairs:
        raise KeyfiltersError(f"no set of filters that both networks have, of {', '.join(bins)}")
    return pairs
