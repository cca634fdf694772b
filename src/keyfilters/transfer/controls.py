"""Controls: filters that take the place of a source's, to tell what those are worth (ours, not the paper's)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import torch
from torch import Generator, Tensor

from keyfilters.analysis import patterns
from keyfilters.config.transfer import Control
from keyfilters.errors import KeyfiltersError
from keyfilters.transfer import closed_forms
from keyfilters.transfer.shapes import nearest

Change = Callable[[Tensor, Generator], Tensor]
"""From a filter `[channels, kh, kw]` to the one in its place, of the same shape."""

UNIVERSAL = 8


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
    return nearest(weight, closed_forms.shapes(*weight.shape[1:]))


def universal(layers: Sequence[Tensor]) -> Change:
    """The nearest a x + b, where x is one of eight patterns of the filters of `layers`, each `[filters, channels, kh,
    kw]`, with kernels of the same size; each channel by itself, and they count the same.

    Raises KeyfiltersError where there are not so many.
    """

    @cache
    def shapes(height: int, width: int) -> Tensor:
        of_size = [layer.reshape(-1, height * width) for layer in layers if layer.shape[2:] == (height, width)]
        units = patterns.units(torch.cat([torch.empty(0, height * width), *of_size]).numpy())
        fitted = patterns.fit(units, np.ones(len(units)), UNIVERSAL)
        if len(fitted) < UNIVERSAL:
            raise KeyfiltersError(
                f"control universal: {len(units)} filters of {height}x{width} in the networks on other sets, too few "
                f"for {UNIVERSAL} patterns; leave the control out"
            )
        return torch.from_numpy(fitted)

    return lambda weight, generator: nearest(weight, shapes(*weight.shape[1:]))


CHANGES: dict[str, Change] = {
    "random": unchanged,
    "identity": identity,
    "norms": with_norm,
    "permuted": permuted,
    "closed_forms": closed_form,
}
"""What becomes of each filter, by control; the first two change the target's own filters, the others the source's."""


def change_of(control: Control | None, pattern_layers: Sequence[Tensor]) -> Change:
    """What a transfer does to each filter; `pattern_layers` is what the control `universal` finds its patterns in."""
    if control is None:
        return unchanged
    return universal(pattern_layers) if control == "universal" else CHANGES[control]
