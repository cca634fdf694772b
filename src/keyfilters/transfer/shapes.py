"""Filters as a x + b, x one of a few shapes."""

from __future__ import annotations

import torch
from torch import Tensor


def nearest(weight: Tensor, shapes: Tensor) -> Tensor:
    """The nearest a x + b of each channel of a filter `[channels, kh, kw]` by least squares.

    `shapes`: what x can be, unit vectors without mean, `[shapes, kh * kw]`; without any, the filter itself.
    """
    if not len(shapes):
        return weight.clone()
    flat = weight.flatten(1).to(torch.float64)
    means = flat.mean(1, keepdim=True)
    heights = (flat - means) @ shapes.T
    best = heights.abs().argmax(1)
    fitted = means + heights[torch.arange(len(flat)), best, None] * shapes[best]
    return fitted.reshape(weight.shape).to(weight.dtype)
