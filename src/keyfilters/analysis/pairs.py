"""`keyfilters drift A B`: the drift between two networks in a study's bases."""

from __future__ import annotations

from dataclasses import dataclass

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


def drift(one: Filters, other: Filters, bins: dict[str, Bins], analysis: Analysis) -> list[Pair]:
    """The drift of every set of filters that both have and that has a basis.

    Raises KeyfiltersError if there is none.
    """
    settings = filters_of(analysis)
    counts = [counted(given, bins, settings) for given in (one, other)]
    pairs = []
    for name, given in bins.items():
        found = [layers[name].sum(axis=0) for layers in counts]
        filters = [int(of[0].sum()) for of in found]
        if all(filters):
            p, q = (distributions(of[:, :-1], given.width, analysis) for of in found)
            divergences = symmetric_kl(p, q)
            outside = tuple(int(of[:, -1].sum()) for of in found)
            weights = given.basis.ratios
            total = float(weighted(divergences, weights))
            pairs.append(Pair(name, tuple(filters), outside, divergences.tolist(), weights.tolist(), total))
    if not pairs:
        raise KeyfiltersError(f"no set of filters that both networks have, of {', '.join(bins)}")
    return pairs
