"""Which filter of a source goes where in a target, and how it is made to fit."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad


def assign(available: int, sizes: Sequence[int], shuffle_seed: int | None = None) -> list[list[int]]:
    """Positions in a stack of `available` filters for layers of `sizes` filters, one list per layer.

    The stack is assigned from its beginning, layer by layer, wrapping around when it runs out. With a seed, the
    filters so assigned then change places across all layers.
    """
    positions = torch.arange(sum(sizes)) % available
    if shuffle_seed is not None:
        order = torch.randperm(len(positions), generator=torch.Generator().manual_seed(shuffle_seed))
        positions = positions[order]
    return [layer.tolist() for layer in positions.split(list(sizes))]


def fit(weight: Tensor, height: int, width: int) -> Tensor:
    """A filter's weight `[channels, kh, kw]` cropped, or padded with zeros, to `[channels, height, width]`.

    Its centre, element `k // 2` of k, stays the centre.
    """
    sides = []
    for wanted, size in ((width, weight.shape[2]), (height, weight.shape[1])):  # pad begins at the last axis
        before = wanted // 2 - size // 2
        sides += [before, wanted - size - before]
    return pad(weight, sides)
