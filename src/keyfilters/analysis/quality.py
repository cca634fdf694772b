"""How good a layer's filters are: sparsity, entropy and randomness on its raw weights, with a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from keyfilters.analysis import randomness
from keyfilters.analysis.degeneration import entropy, sparsity
from keyfilters.analysis.moments import Moments
from keyfilters.settings import Analysis

Verdict = Literal["sparse", "low diversity", "random", "too few", "regular"]
DEGENERATED = ("sparse", "low diversity", "random")


@dataclass(frozen=True)
class Quality:
    """One layer of `filters`: `sparsity` S (6), `entropy` H (7), `threshold` T_H (8), `fitted` T_H by our own fit."""

    filters: int
    sparsity: float
    entropy: float
    threshold: float
    fitted: float
    verdict: Verdict


def quality(moments: Moments, peaks: np.ndarray, analysis: Analysis) -> Quality:
    """The quality of a layer from the moments of its raw filters and the largest absolute weight of each, `[n]`."""
    dimensions, count = len(moments.mean), moments.count
    found = sparsity(peaks, analysis), float(entropy(moments.covariance))
    fitted = randomness.fitted(dimensions)
    threshold = randomness.PUBLISHED if analysis.randomness == "published" and dimensions == 9 else fitted
    thresholds = float(threshold(max(count, 1))), float(fitted(max(count, 1)))
    return Quality(count, *found, *thresholds, verdict(count, dimensions, *found, thresholds[0], analysis))


def verdict(
    filters: int, dimensions: int, sparsity: float, entropy: float, threshold: float, analysis: Analysis
) -> Verdict:
    """What to call a layer of kernels of `dimensions` weights; the first that holds.

    `sparse`: more than `sparse_above` of its filters are. `too few`: less than `filters_per_weight` filters for each
    weight, from which its entropy says nothing (section 3.4). `low diversity`: entropy below `low_diversity_below`.
    `random`: entropy above the threshold (8). `regular`: none of these. A layer of one filter is sparse if that is
    zero, else too few; a constant layer of enough filters has entropy zero, so low diversity.
    """
    if sparsity > analysis.sparse_above:
        return "sparse"
    if filters < analysis.filters_per_weight * dimensions:
        return "too few"
    if entropy < analysis.low_diversity_below:
        return "low diversity"
    return "random" if entropy > threshold else "regular"
