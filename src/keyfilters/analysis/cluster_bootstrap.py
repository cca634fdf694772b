"""Means over layers and over pairs of networks, with intervals over clusters of networks that are drawn anew.

Filters and layers of one network are no independent evidence, and neither are networks of one package or family. So
whole clusters are drawn, with replacement, and a cluster that is drawn twice counts twice.
"""

from __future__ import annotations

import numpy as np

PERCENTILES = (2.5, 97.5)  # of a 95 % interval


class ClusterBootstrap:
    """`clusters` of networks, drawn `samples` times from `seed`. Every mean comes as `[1 + samples]`: of the clusters
    as they are, then of each draw; NaN where a draw has nothing that the mean is of."""

    def __init__(self, clusters: int, samples: int, seed: int = 0) -> None:
        drawn = np.random.default_rng(seed).multinomial(clusters, np.full(clusters, 1 / clusters), size=samples)
        self.counts = np.vstack([np.ones((1, clusters)), drawn])

    def mean(self, values: np.ndarray, cluster: np.ndarray) -> np.ndarray:
        """The mean of `values [n]`, each of one `cluster [n]`."""
        size = self.counts.shape[1]
        sums, numbers = (np.bincount(cluster, weights, size) for weights in (values, np.ones(len(values))))
        return _divided(self.counts @ sums, self.counts @ numbers)

    def mean_of_pairs(self, values: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """The mean of `values [n]`, each of a pair of networks of the clusters `one [n]` and `other [n]`.

        A pair counts as often as both clusters are drawn, one inside a cluster as often as that is.
        """
        size = self.counts.shape[1]
        totals = []
        for weights in (values, np.ones(len(values))):
            table = np.bincount(one * size + other, weights, size * size).reshape(size, size)
            inside = table.diagonal().copy()
            np.fill_diagonal(table, 0)
            totals.append(((self.counts @ table) * self.counts).sum(axis=1) + self.counts @ inside)
        return _divided(*totals)


def interval(draws: np.ndarray) -> tuple[float, float] | None:
    """95 % of the draws of `[1 + samples]`; None if there are none."""
    finite = draws[1:][np.isfinite(draws[1:])]
    if not len(finite):
        return None
    low, high = np.percentile(finite, PERCENTILES)
    return float(low), float(high)


def _divided(sums: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    return np.divide(sums, numbers, out=np.full(len(sums), np.nan), where=numbers > 0)
