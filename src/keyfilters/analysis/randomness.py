"""The threshold of randomness (8): above which entropy a layer is as if never trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from keyfilters.analysis.degeneration import entropy

MAX_LOG2 = 12  # the largest random layer has 2^12 filters
LAYERS = 100  # of each size, of which the least entropy counts
SEED = 0
BATCH = 1 << 17  # weights drawn at once
START = (1.3, 2.3, 0.9, -0.3)  # where the fit begins
RISING = ([0, -np.inf, 0, -np.inf], np.inf)  # bounds: L and k positive


@dataclass(frozen=True)
class Threshold:
    """T_H(n) = L / (1 + exp(-k (log2 n - x0))) + b of (8) for kernels of `dimensions` weights."""

    dimensions: int
    L: float
    x0: float
    k: float
    b: float
    deviation: float | None = None  # the largest of the fit from the entropies it was made to, for its sizes of layers

    def __call__(self, filters: int | np.ndarray) -> float | np.ndarray:
        """The threshold for a layer of so many filters, at least 1."""
        return _sigmoid(np.log2(filters), self.L, self.x0, self.k, self.b)


PUBLISHED = Threshold(9, L=1.26, x0=2.30, k=0.89, b=-0.31)
"""The paper's constants (section 4.1), which are for 3x3 kernels."""

EXACT = Threshold(9, L=1.2618047, x0=2.30436435, k=0.88767525, b=-0.31050834)
"""The same before rounding, as the authors' torchconvquality has them; about 0.001 higher."""


@cache
def fitted(dimensions: int) -> Threshold:
    """(8) fitted as the paper says: to the least entropies of layers drawn from a standard normal distribution.

    How many layers of which sizes, the paper does not say: ours are `LAYERS` of 2, 4, 8, ... filters for 3x3, and
    from a third of a kernel's weights on for larger ones, since no one sigmoid fits all sizes. Always the same
    numbers, from `SEED`. The four constants depend on each other, so that other layers change them much and the
    curve little.
    """
    from scipy.optimize import curve_fit

    random = np.random.default_rng([SEED, dimensions])
    log2_sizes = np.arange(max(1, math.floor(math.log2(dimensions / 3))), MAX_LOG2 + 1)
    least = np.array([_least_entropy(random, 2**size, dimensions) for size in log2_sizes])
    constants, _ = curve_fit(_sigmoid, log2_sizes, least, p0=START, bounds=RISING, max_nfev=20_000)
    deviation = float(np.abs(_sigmoid(log2_sizes, *constants) - least).max())
    return Threshold(dimensions, *(float(constant) for constant in constants), deviation)  # type: ignore[call-arg]


def _sigmoid(log2_n, L, x0, k, b):
    return L / (1 + np.exp(-k * (log2_n - x0))) + b


def _least_entropy(random: np.random.Generator, filters: int, dimensions: int) -> float:
    batch = max(1, BATCH // (filters * dimensions))
    least = np.inf
    for start in range(0, LAYERS, batch):
        layers = random.standard_normal((min(batch, LAYERS - start), filters, dimensions))
        centred = layers - layers.mean(axis=1, keepdims=True)
        least = min(least, entropy(centred.transpose(0, 2, 1) @ centred).min())
    return float(least)
