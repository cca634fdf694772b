"""Drift between groups of few filters, beside the drift that chance alone gives them.

Histograms of few filters have empty bins, so D (5) of two draws from one distribution is far from zero, and the further
the fewer they are. So groups are compared at equal numbers of filters, and each D beside that of the same filters dealt
to two groups at random: if both groups have one distribution, the two D have one expectation.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from keyfilters.analysis.basis import Bins
from keyfilters.analysis.drift import distributions, drift
from keyfilters.config.analysis import Analysis


@dataclass(frozen=True)
class Compared:
    """Mean D (5) over draws, `drift`, and over the same filters dealt at random, `chance`."""

    drift: float
    chance: float

    @property
    def beyond(self) -> float:
        """Drift beyond chance; its expectation is zero for groups of one distribution."""
        return self.drift - self.chance


class Comparison:
    """Compares groups by their histograms `[d, bins]` in one basis.

    What is drawn follows from `seed` and the histograms alone, not from what was compared before.
    """

    def __init__(self, bins: Bins, analysis: Analysis, draws: int, seed: int = 0) -> None:
        self.bins, self.analysis, self.draws = bins, analysis, draws
        self.seed = seed

    def random(self, *histograms: np.ndarray) -> np.random.Generator:
        """The generator of what is drawn for these histograms."""
        digest = hashlib.sha256(b"".join(np.ascontiguousarray(counts, "<i8").tobytes() for counts in histograms))
        return np.random.default_rng([self.seed, int.from_bytes(digest.digest()[:8], "little")])

    def __call__(self, one: np.ndarray, other: np.ndarray, filters: int | None = None) -> Compared:
        """`filters` of each group at random, without replacement, at most as many as it has; None is all of both.

        D needs no more than a group's distribution along each component, so components are drawn apart.
        """
        random, shape = self.random(one, other), (self.draws, *one.shape)
        one, other = np.broadcast_to(one, shape), np.broadcast_to(other, shape)
        if filters is not None:
            one, other = _some(one, filters, random), _some(other, filters, random)
        dealt = _some(one + other, one.sum(axis=-1), random)
        return Compared(self._drift(one, other), self._drift(dealt, one + other - dealt))

    def _drift(self, one: np.ndarray, other: np.ndarray) -> float:
        p, q = (distributions(counts, self.bins.width, self.analysis) for counts in (one, other))
        return float(drift(p, q, self.bins.basis.ratios).mean())


def _some(counts: np.ndarray, filters: int | np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Of histograms `[..., bins]`, `filters` `[...]` of each at random, bin by bin."""
    rest = counts.sum(axis=-1)
    left, taken = np.minimum(filters, rest), np.zeros_like(counts)
    for bin in np.flatnonzero(counts.any(axis=tuple(range(counts.ndim - 1)))):
        rest = rest - counts[..., bin]
        taken[..., bin] = random.hypergeometric(counts[..., bin], rest, left)
        left = left - taken[..., bin]
    return taken
