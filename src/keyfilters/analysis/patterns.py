"""How well a few patterns explain many filters: each as a * p + b of its nearest pattern p (Babaiee et al. 2025).

Without its mean and scale a filter is a unit vector u, a pattern p is one too, and (u p)^2 is the share of the filter's
variance that a * p + b explains with the best a and b, of either sign. Patterns are fitted as k-means fits means, only
that a cluster's pattern is the leading eigenvector of its filters' scatter.
"""

from __future__ import annotations

import hashlib

import numpy as np

from keyfilters.analysis.basis import signed

STARTS = 4  # fits from other filters, of which the best counts
STEPS = 100  # of a fit, at most
GAIN = 1e-6  # of the share explained; a step of less is the last
ROUNDING = 1e-12  # share left unexplained that is none
CONSTANT = 1e-6  # deviation of a filter by its largest weight, below which it has no pattern


def units(filters: np.ndarray) -> np.ndarray:
    """Filters `[n, d]` without mean and scale, float64; those that are constant, all zero among them, are left out."""
    filters = filters.astype(np.float64)
    centred = filters - filters.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1)
    varying = lengths > CONSTANT * np.abs(filters).max(axis=1, initial=0) * filters.shape[1] ** 0.5
    return centred[varying] / lengths[varying, None]


def random(*arrays: np.ndarray) -> np.random.Generator:
    """A generator that follows from these arrays alone."""
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays))
    return np.random.default_rng(int.from_bytes(digest.digest()[:8], "little"))


def explained(units: np.ndarray, patterns: np.ndarray) -> np.ndarray:
    """The share of each filter's variance that its nearest pattern explains, `[n]`."""
    return ((units @ patterns.T) ** 2).max(axis=1, initial=0)


def fit(units: np.ndarray, weights: np.ndarray, count: int) -> np.ndarray:
    """The `count` unit patterns `[count, d]` that explain most of the filters `units [n, d]`, which count by `weights`;
    the one that is nearest to most of them first.

    Of few filters there are no more patterns than those. What is drawn follows from the filters.
    """
    generator = random(units, weights)
    fits = [_climb(units, weights, _start(units, weights, count, generator)) for _ in range(STARTS)]
    _, patterns = max(fits, key=lambda share_and_patterns: share_and_patterns[0])
    shares = np.bincount(nearest(units, patterns), weights, len(patterns))
    return signed(patterns[np.argsort(-shares, kind="stable")])


def nearest(units: np.ndarray, patterns: np.ndarray) -> np.ndarray:
    """The number of the pattern that explains most of each filter, `[n]`."""
    return ((units @ patterns.T) ** 2).argmax(axis=1)


def _start(units: np.ndarray, weights: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """Filters, each drawn by what the ones before it leave unexplained, as k-means++ does."""
    chosen = np.empty((0, units.shape[1]))
    for _ in range(count):
        left = weights * (1 - explained(units, chosen)).clip(min=0)
        if left.sum() <= ROUNDING * weights.sum():
            break
        chosen = np.vstack([chosen, units[generator.choice(len(units), p=left / left.sum())]])
    return chosen


def _climb(units: np.ndarray, weights: np.ndarray, patterns: np.ndarray) -> tuple[float, np.ndarray]:
    """The patterns that a start leads to, and the share that they explain."""
    before, patterns = -1.0, patterns.copy()
    for _ in range(STEPS):
        share = float(np.average(explained(units, patterns), weights=weights))
        if share - before < GAIN:
            break
        before, numbers = share, nearest(units, patterns)
        for number in range(len(patterns)):
            own = numbers == number
            if own.any():
                patterns[number] = np.linalg.eigh((units[own] * weights[own, None]).T @ units[own])[1][:, -1]
    return share, patterns
