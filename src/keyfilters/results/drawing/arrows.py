"""The arrows of *The Master Key Filters Hypothesis*: whether an accuracy is above or below what it is compared with."""

from __future__ import annotations

THRESHOLD = 0.1  # points of accuracy from which the paper draws an arrow


def arrow(difference: float) -> str:
    """`up`, `down` or `same` for a difference in points of accuracy."""
    difference = round(difference, 6)  # 0.1 is not a binary fraction
    if difference >= THRESHOLD:
        return "up"
    return "down" if difference <= -THRESHOLD else "same"
