"""Controls: filters that take the place of a source's, to tell what those are worth (ours, not the paper's)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from keyfilters.transfer.closed_forms import nearest

Change = Callable[[Tensor, Generator], Tensor]
"""From a filter `[channels, kh, kw]` to the one in its place, of the same shape."""


def unchanged(weight: Tensor, generator: Generator) -> Tensor:
    """The filter itself: with the target's own filters, those that it was initialised with."""
    return weight


def identity(weight: Tensor, generator: Generator) -> Tensor:
    """One at the centre, element `k // 2` of k, and zero around it."""
    _, height, width = weight.shape
    delta = torch.zeros_like(weight)
    delta[:, height // 2, width // 2] = 1
    return delta


def with_norm(weight: Tensor, generator: Generator) -> Tensor:
    """A direction drawn from the sphere, with the filter's own Euclidean norm."""
    direction = torch.randn(weight.shape, generator=generator)
    return direction * (weight.norm() / direction.norm())


def permuted(weight: Tensor, generator: Generator) -> Tensor:
    """The filter's taps in random order, the same order in all its channels."""
    order = torch.randperm(weight[0].numel(), generator=generator)
    return weight.flatten(1)[:, order].reshape(weight.shape)


def closed_form(weight: Tensor, generator: Generator) -> Tensor:
    """The nearest a x + b, where x is a discrete Gaussian or a difference of one; each channel by itself."""
    return nearest(weight)


CHANGES: dict[str, Change] = {
    "random": unchanged,
    "identity": identity,
    "norms": with_norm,
    "permuted": permuted,
    "closed_forms": closed_form,
}
"""What becomes of each filter, by control; the first two change the target's own filters, the others the source's."""
