"""Which test images a network got right, as its artifact and the cells made of it keep it."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np


def facts_of_test(correct: np.ndarray) -> dict[str, Any]:
    """What a manifest says of a test: `accuracy`, a share, and `correct`, bool `[N]` in the order of the set's test
    images, packed eight to a byte and written in base 64."""
    return {
        "accuracy": int(correct.sum()) / len(correct),
        "correct": base64.b64encode(np.packbits(correct)).decode(),
    }


def unpacked(correct: str, images: int) -> np.ndarray:
    """`correct` of `facts_of_test` as bool `[N]`, for a test of so many images."""
    return np.unpackbits(np.frombuffer(base64.b64decode(correct), np.uint8), count=images).astype(bool)
