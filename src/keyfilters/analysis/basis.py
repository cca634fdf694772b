"""The principal components of filters, (1)-(3), from their moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keyfilters.analysis.moments import Moments
from keyfilters.errors import KeyfiltersError

EQUAL = 1e-6  # entries this near to each other are one size, so that rounding does not choose a sign


@dataclass(frozen=True)
class Basis:
    """Principal components of `count` filters, float64.

    `mean [d]`, `components [d, d]`: rows v_i in the order of their variance; `variances [d]`: the vector a of (2).
    """

    count: int
    mean: np.ndarray
    components: np.ndarray
    variances: np.ndarray

    @property
    def ratios(self) -> np.ndarray:
        """Explained variance ratios (2), `[d]`; all zero where nothing varies."""
        total = self.variances.sum()
        return self.variances / total if total else self.variances

    @property
    def dimensions(self) -> int:
        return len(self.mean)

    @property
    def zero_filter(self) -> np.ndarray:
        """Coefficients of the all-zero filter, `[d]`."""
        return -self.components @ self.mean


@dataclass(frozen=True)
class Bins:
    """A basis and the edges `[bins + 1]` of histograms of coefficients in it."""

    basis: Basis
    edges: np.ndarray

    @property
    def width(self) -> float:
        return float(self.edges[1] - self.edges[0])


def fit(moments: Moments) -> Basis:
    """The basis of the filters with these moments.

    (1)-(2) by an SVD of the centred filters and by the eigenvectors of their covariance are the same; the latter needs
    only moments. A component's first entry that is as large as any, in absolute value, is positive.

    Raises KeyfiltersError if there is no filter.
    """
    if not moments.count:
        raise KeyfiltersError("no filters: a basis needs at least one")
    variances, vectors = np.linalg.eigh(moments.covariance)
    return Basis(moments.count, moments.mean, signed(vectors.T[::-1]), variances[::-1].clip(min=0))


def signed(vectors: np.ndarray) -> np.ndarray:
    """Vectors `[n, d]`, each turned so that its first entry of the largest size is positive."""
    sizes = np.abs(vectors)
    first = (sizes >= sizes.max(axis=1, keepdims=True) * (1 - EQUAL)).argmax(axis=1)
    return vectors * np.sign(vectors[np.arange(len(vectors)), first])[:, None]
