"""Count, mean and scatter of filters: all that their PCA needs, in one pass, and mergeable."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np

from keyfilters.analysis.streaming import Blocks, over
from keyfilters.errors import KeyfiltersError


@dataclass(frozen=True)
class Moments:
    """`count` filters of d weights: their mean `[d]` and scatter around it `[d, d]`, X*^T X* of (1), float64."""

    count: int
    mean: np.ndarray
    scatter: np.ndarray

    @property
    def covariance(self) -> np.ndarray:
        """Scatter / (n - 1) as in (2), `[d, d]`; zero for a single filter and for none."""
        return self.scatter / max(self.count - 1, 1)

    @property
    def finite(self) -> bool:
        """False if a weight was NaN or infinite: such a one reaches the scatter, scaled or not."""
        return bool(np.isfinite(self.scatter).all())

    def __add__(self, other: Moments) -> Moments:
        count = self.count + other.count
        if not count:
            return self
        shift = other.mean - self.mean
        share = other.count / count
        scatter = self.scatter + other.scatter + np.outer(shift, shift) * (self.count * share)
        return Moments(count, self.mean + shift * share, scatter)


def empty(dimensions: int) -> Moments:
    """The moments of no filter at all."""
    return Moments(0, np.zeros(dimensions), np.zeros((dimensions, dimensions)))


def merge(parts: Iterable[Moments], dimensions: int) -> Moments:
    """The moments of all parts together."""
    return reduce(Moments.__add__, parts, empty(dimensions))


def moments(blocks: Blocks, dimensions: int, scaled: bool = True, threads: int | None = None) -> Moments:
    """Moments of filters in blocks `[n, d]`, scaled by their peaks (9) or as they are.

    Raises KeyfiltersError if a weight is NaN or infinite.
    """
    from keyfilters.analysis import kernels

    parts = [Moments(*part) for part in over(blocks, kernels.moments, scaled, threads=threads)]
    if not all(part.finite for part in parts):
        raise KeyfiltersError("weights are NaN or infinite; leave their network out")
    return merge(parts, dimensions)
