"""Filters that tests of the analysis share: correlated, of many sizes, some of them zero."""

import numpy as np


def draw(count: int, dimensions: int = 9, seed: int = 0, dtype=np.float32) -> np.ndarray:
    """`[count, dimensions]`, a tenth all zero."""
    random = np.random.default_rng(seed)
    mixed = random.standard_normal((count, dimensions)) @ random.standard_normal((dimensions, dimensions))
    filters = mixed * np.exp(random.normal(-4, 2, (count, 1))) + 0.01
    filters[random.random(count) < 0.1] = 0
    return filters.astype(dtype)


def scaled(filters: np.ndarray) -> np.ndarray:
    """Equation (9) in numpy, in the type that the filters have."""
    peaks = np.abs(filters).max(axis=1, keepdims=True)
    return filters / np.where(peaks == 0, 1, peaks).astype(filters.dtype)
