"""Patterns that filters are multiples of.

Babaiee et al. (2025), arXiv 2509.11711, say that depthwise filters are a x + b of eight x, found by an unsupervised
search of which there is no code. Ours: a filter without its mean is b's part gone, and a of any sign leaves a line
through zero; lines are clustered as k-means does points. A line belongs to the pattern at the least angle, and a
pattern is the leading principal direction of its lines.
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray

RESTARTS, ITERATIONS = 8, 100
TINY = 1e-12


def directions(filters: ndarray) -> ndarray:
    """Filters `[n, taps]` less their means as unit vectors, float64; constant ones are left out."""
    centred = filters.astype(np.float64)
    centred -= centred.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    return centred[norms[:, 0] > TINY] / norms[norms[:, 0] > TINY]


def patterns(filters: ndarray, count: int, seed: int) -> ndarray:
    """The `count` patterns of filters `[n, taps]`: unit vectors without mean, `[count, taps]`, by descending number of
    filters; the best of some starts, which `seed` draws.

    Raises ValueError if fewer filters than that are not constant.
    """
    lines = directions(filters)
    if len(lines) < count:
        raise ValueError(f"{len(lines)} filters that are not constant, for {count} patterns")
    generator = np.random.default_rng(seed)
    fits = [_fit(lines, _start(lines, count, generator)) for _ in range(RESTARTS)]
    best = max(fits, key=lambda fit: _cosines(lines, fit).max(axis=1).sum())
    best *= np.sign(best[np.arange(count), np.abs(best).argmax(axis=1), None])  # the sign is free: largest tap above 0
    sizes = np.bincount(_cosines(lines, best).argmax(axis=1), minlength=count)
    return best[np.argsort(-sizes, kind="stable")]


def _cosines(lines: ndarray, fit: ndarray) -> ndarray:
    """Squared cosines `[lines, patterns]`: the share of a filter's variance that a pattern explains."""
    return (lines @ fit.T) ** 2


def _start(lines: ndarray, count: int, generator: np.random.Generator) -> ndarray:
    """Lines far from each other, as k-means++ draws points."""
    chosen = [generator.integers(len(lines))]
    for _ in range(count - 1):
        rest = np.clip(1 - _cosines(lines, lines[chosen]).max(axis=1), 0, None)
        chosen.append(generator.choice(len(lines), p=rest / rest.sum() if rest.sum() > TINY else None))
    return lines[chosen]


def _fit(lines: ndarray, start: ndarray) -> ndarray:
    fit, members = start.copy(), None
    for _ in range(ITERATIONS):
        before, members = members, _cosines(lines, fit).argmax(axis=1)
        if before is not None and (before == members).all():
            break
        for number in range(len(fit)):
            own = lines[members == number]
            if len(own):  # one that has lost all of its lines stays where it is
                fit[number] = np.linalg.eigh(own.T @ own)[1][:, -1]
    return fit
