"""Phenotypes of coefficient distributions (Figure 4), which the paper sorts by eye, by a rule on their histograms."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.signal import find_peaks
from scipy.stats import norm

Phenotype = Literal["sun", "spikes", "symbols", "point"]

CENTRE = 1  # bins on each side of the zero filter's that are the centre
IN_CENTRE = 0.5  # share of the filters there, above which a distribution is a point
NEIGHBOURS = 3  # bins on each side that a spike is compared with
SPIKE = 2.0  # times its neighbours' median and the normal distribution's share, above which a bin is a spike
IN_SPIKES = 0.05  # share of the filters that spikes have in excess, above which a distribution has spikes
MODE = 0.1  # prominence of a mode, as a share of the highest
OFF_CENTRE = 0.5  # of its deviation, beyond which a mean is not centred
NOT_NORMAL = 0.15  # total variation distance to the normal distribution of the same mean and deviation
SMOOTH = np.array([1, 4, 6, 4, 1]) / 16  # over bins, twice, before modes are sought


def phenotype(counts: np.ndarray, edges: np.ndarray, zero_filter: np.ndarray) -> Phenotype:
    """The phenotype of distributions along some components: int `[d, bins]` over `edges [bins + 1]`, none empty.

    `zero_filter [d]`: the all-zero filter's coefficients there, where sparse filters gather. The first that holds:
    `point`: along every component, more than half of the filters are in its bin or the two beside it;
    `spikes`: along any, more than 5 % of the filters are in excess of their surroundings, in bins with more than
    twice both their neighbours' median and the share that a normal distribution has there;
    `symbols`: along any, there is a second mode, the mean is further from the zero filter than half a deviation, or
    more than 15 % of the filters would have to move for a normal distribution;
    `sun`: none of these.
    The shares mean something from some thousands of filters: the noise of fewer looks like modes and spikes.
    """
    rows = list(zip(counts / counts.sum(axis=1, keepdims=True), zero_filter, strict=True))
    if all(_in_centre(shares, edges, zero) > IN_CENTRE for shares, zero in rows):
        return "point"
    if any(_in_spikes(shares, edges) > IN_SPIKES for shares, _ in rows):
        return "spikes"
    if any(_is_symbol(shares, edges, zero) for shares, zero in rows):
        return "symbols"
    return "sun"


def _in_centre(shares: np.ndarray, edges: np.ndarray, zero: float) -> float:
    zero_bin = int(np.clip(np.searchsorted(edges, zero, side="right") - 1, 0, len(shares) - 1))
    return float(shares[max(zero_bin - CENTRE, 0) : zero_bin + CENTRE + 1].sum())


def _in_spikes(shares: np.ndarray, edges: np.ndarray) -> float:
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(shares, NEIGHBOURS), 2 * NEIGHBOURS + 1)
    neighbours = np.median(np.delete(windows, NEIGHBOURS, axis=1), axis=1)
    around = np.maximum(neighbours, _normal(edges, *_mean_and_deviation(shares, edges)))
    return float((shares - around)[shares > SPIKE * around].sum())


def _is_symbol(shares: np.ndarray, edges: np.ndarray, zero: float) -> bool:
    mean, deviation = _mean_and_deviation(shares, edges)
    from_normal = np.abs(shares - _normal(edges, mean, deviation)).sum() / 2
    return _modes(shares) > 1 or abs(mean - zero) > OFF_CENTRE * deviation or from_normal > NOT_NORMAL


def _modes(shares: np.ndarray) -> int:
    smooth = np.pad(np.convolve(np.convolve(shares, SMOOTH, "same"), SMOOTH, "same"), 1)
    return len(find_peaks(smooth, prominence=MODE * smooth.max())[0])


def _mean_and_deviation(shares: np.ndarray, edges: np.ndarray) -> tuple[float, float]:
    """Of the bins' middles; a deviation is at least that of values spread over one bin."""
    middles, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    mean = shares @ middles
    return mean, max(np.sqrt(shares @ (middles - mean) ** 2), width / np.sqrt(12))


def _normal(edges: np.ndarray, mean: float, deviation: float) -> np.ndarray:
    """Shares of a normal distribution in the bins, its tails in the outermost."""
    below = norm.cdf(edges, mean, deviation)
    below[[0, -1]] = 0, 1
    return np.diff(below)
