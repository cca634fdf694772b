"""Degeneration of a layer, on its raw weights: sparsity (6) and entropy (7)."""

from __future__ import annotations

import numpy as np

from keyfilters.config.analysis import Analysis


def sparsity(peaks: np.ndarray, analysis: Analysis) -> float:
    """Share of sparse filters (6), from each filter's largest absolute weight, `peaks [n]`.

    epsilon_0 is `sparse_share` of the layer's largest absolute weight. `sparse: at_most`, as (6) has it, counts the
    filters with all |w| <= epsilon_0, so that an all-zero layer is sparse throughout (1); `below`, as the authors'
    notebook has it, those with all |w| < epsilon_0, which gives an all-zero layer 0. A layer without filters has 0.
    """
    if not len(peaks):
        return 0.0
    peaks = peaks.astype(np.float64)
    threshold = peaks.max() * analysis.sparse_share
    sparse = peaks <= threshold if analysis.sparse == "at_most" else peaks < threshold
    return float(sparse.mean())


def entropy(covariance: np.ndarray) -> np.ndarray:
    """H of (7), base 10, `[...]`: of the explained variance ratios of a covariance `[..., d, d]`.

    At most log10 d; zero where nothing varies: one filter, or filters that are all equal.
    """
    variances = np.linalg.eigvalsh(covariance).clip(min=0)
    total = variances.sum(axis=-1, keepdims=True)
    ratios = variances / np.where(total > 0, total, 1)
    return -(ratios * np.log10(np.where(ratios > 0, ratios, 1))).sum(axis=-1) + 0.0  # no negative zero
