"""Coefficients of scaled filters in a basis (3), their range, and their histograms (section 3.3).

The paper calls the rows of U the coefficients; (3) holds for U Sigma, which the authors' notebook uses and so do we.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np

from keyfilters.analysis.basis import Basis
from keyfilters.analysis.streaming import Blocks, Labelled, over, over_labelled

ROUNDING = 1e-12  # far more than a coefficient's own


def scale(filters: np.ndarray) -> np.ndarray:
    """Filters `[n, d]` divided by their largest absolute weights (9); all-zero ones stay as they are."""
    from keyfilters.analysis import kernels

    return kernels.scale(filters)


def coefficients(filters: np.ndarray, basis: Basis) -> np.ndarray:
    """Coefficients c of (3) of the filters `[n, d]`, scaled by their peaks: float64 `[n, d]`."""
    from keyfilters.analysis import kernels

    return kernels.coefficients(filters, basis.mean, basis.components)


def extremes(blocks: Blocks, basis: Basis, threads: int | None = None) -> tuple[float, float]:
    """The smallest and the largest of all coefficients; (inf, -inf) if there are no filters."""
    from keyfilters.analysis import kernels

    low, high = np.inf, -np.inf
    for lowest, highest in over(blocks, kernels.extremes, basis.mean, basis.components, threads=threads):
        low, high = min(low, lowest), max(high, highest)
    return float(low), float(high)


def bounds(basis: Basis) -> tuple[float, float]:
    """A range that no scaled filter's coefficient leaves: with |x| <= 1, |v_i x| is at most the L1 norm of v_i."""
    reach, middle = np.abs(basis.components).sum(axis=1) * (1 + ROUNDING), basis.components @ basis.mean
    return float((-reach - middle).min()), float((reach - middle).max())


def edges(low: float, high: float, bins: int) -> np.ndarray:
    """Edges of `bins` uniform bins, `[bins + 1]`, as `numpy.histogram` has them: half a unit around a single value."""
    return np.histogram_bin_edges(np.empty(0), bins, (low, high))


def histograms_of_layers(
    blocks: Labelled, basis: Basis, edges: np.ndarray, threads: int | None = None
) -> Iterator[tuple[Any, np.ndarray]]:
    """As `histograms`, of every layer with its label, from blocks that come layer by layer with it."""
    from keyfilters.analysis import kernels

    parts = over_labelled(blocks, kernels.histograms, basis.mean, basis.components, edges, threads=threads)
    for label, counts in groupby(parts, key=itemgetter(0)):
        yield label, sum(part for _, part in counts)


def histograms(blocks: Blocks, basis: Basis, edges: np.ndarray, threads: int | None = None) -> np.ndarray:
    """Counts of the coefficients along each component: int64 `[d, bins + 1]`.

    The counts are those of `numpy.histogram`; the last column counts what lies outside the edges, which happens where
    the range is that of other filters.
    """
    from keyfilters.analysis import kernels

    counts = np.zeros((basis.dimensions, len(edges)), np.int64)
    for part in over(blocks, kernels.histograms, basis.mean, basis.components, edges, threads=threads):
        counts += part
    return counts
