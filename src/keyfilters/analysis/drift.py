"""Distributions of coefficients and the drift between them, (4) and (5)."""

from __future__ import annotations

import numpy as np

from keyfilters.config.analysis import Analysis
from keyfilters.errors import KeyfiltersError


def distributions(counts: np.ndarray, width: float, analysis: Analysis) -> np.ndarray:
    """Histograms as probabilities, float64 `[..., bins]`, none of which is zero (section 3.3).

    `counts [..., bins]` within the range, `width` of a bin. `floor: probability`, as the paper has it: none is less
    than epsilon, F(x) >= epsilon, and their sum is one again, which takes from epsilon less than its bins-fold.
    `floor: density`, as the authors' notebook has it: the density of an empty bin is epsilon, others are as they are.

    Raises KeyfiltersError for a histogram without counts: nothing has no distribution.
    """
    total = counts.sum(axis=-1, keepdims=True)
    if not total.all():
        raise KeyfiltersError("a group has no filters within the range, so no distribution; leave it out")
    if analysis.floor == "probability":
        floored = np.maximum(counts / total, analysis.epsilon)
    else:
        floored = np.where(counts > 0, counts / total / width, analysis.epsilon)
    return floored / floored.sum(axis=-1, keepdims=True)


def symmetric_kl(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """KL(p || q) + KL(q || p) of (4) in nats, `[...]` for distributions `[..., bins]`.

    As sum of (p - q)(log p - log q), of which no term is negative, so that equal distributions give zero exactly.
    """
    return _contract(p - q, np.log(p) - np.log(q))


def drift(p: np.ndarray, q: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """D of (5) of `p` and `q` `[..., d, bins]`, weighted by the common basis' explained variance ratios: `[...]`."""
    return weighted(symmetric_kl(p, q), weights)


def pairwise_kl(groups: np.ndarray) -> np.ndarray:
    """Symmetric KL along each component between all groups `[N, d, bins]`: `[N, N, d]`, a group at a time."""
    logs = np.log(groups)
    divergences = np.zeros((len(groups), len(groups), groups.shape[1]))
    for i in range(len(groups) - 1):
        divergences[i, i + 1 :] = _contract(groups[i] - groups[i + 1 :], logs[i] - logs[i + 1 :])
        divergences[i + 1 :, i] = divergences[i, i + 1 :]
    return divergences


def pairwise_drift(groups: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """D of (5) between all groups `[N, d, bins]`: `[N, N]`, symmetric, zero on the diagonal."""
    return weighted(pairwise_kl(groups), weights)


def weighted(divergences: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The sum (5) over components of divergences `[..., d]`: `[...]`, summed alike for every pair."""
    return (divergences * weights).sum(axis=-1)


def _contract(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("...b,...b->...", a, b)
