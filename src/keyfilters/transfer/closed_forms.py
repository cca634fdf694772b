"""Filters in closed form: the discrete Gaussian of scale-space theory and its differences.

Lindeberg, Babaiee and Kiasari (2025), arXiv 2509.12746, describe the filters that Babaiee et al. found in depthwise
layers so. The smoothing kernel is the discrete analogue of the Gaussian of variance t (Lindeberg 1990),

    T(n; t) = exp(-t) I_n(t)

along each axis, with the modified Bessel functions I_n; t = 0 is a one at the centre. A derivative is a difference of
it: central, of first or second order; or one-sided, which lies half a pixel beside the centre. Ours is which of these
are in the family, and the scales.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy import ndarray
from scipy.special import ive
from torch import Tensor

from keyfilters.analysis.patterns import units

SCALES = (0.0, *np.geomspace(0.05, 16, 40))
"""Variances in squared pixels, of which a kernel of 7x7 tells the larger hardly apart."""
DIFFERENCES = {
    "none": (0, 1, 0),
    "central": (-0.5, 0, 0.5),
    "forward": (0, -1, 1),
    "backward": (-1, 1, 0),
    "second": (1, -2, 1),
}
"""Taps of the differences along one axis, which a smoothing kernel is convolved with."""
SEPARABLE = (
    ("none", "none"),
    *(axes for name in ("central", "forward", "backward", "second") for axes in ((name, "none"), ("none", name))),
    ("central", "central"),
)
"""Down and across."""


@cache
def shapes(height: int, width: int) -> Tensor:
    """The closed forms less their means as unit vectors `[forms, height * width]`, none for a kernel of one tap: all
    that tells them apart as x of a x + b."""
    forms = np.stack([form.ravel() for scale in SCALES for form in closed_forms(scale, height, width)])
    return torch.from_numpy(units(forms))


def closed_forms(scale: float, height: int, width: int) -> list[ndarray]:
    """The family at one scale, each `[height, width]`: the Gaussian, its differences down and across, the Laplacian,
    and what the Gaussian takes from a one at the centre, a filter that sharpens. The centre is element `k // 2` of k.
    """
    down, across = ({name: _along(name, scale, size) for name in DIFFERENCES} for size in (height, width))
    separable = [np.outer(down[of_rows], across[of_columns]) for of_rows, of_columns in SEPARABLE]
    smooth = separable[0]
    laplacian = np.outer(down["second"], across["none"]) + np.outer(down["none"], across["second"])
    centre = np.zeros_like(smooth)
    centre[height // 2, width // 2] = 1
    return [*separable, laplacian, centre - smooth]


def _along(difference: str, scale: float, size: int) -> ndarray:
    """A difference of the discrete Gaussian along one axis, `[size]`."""
    at = np.arange(size + 2) - size // 2 - 1  # one tap more to each side, for the difference
    return np.convolve(ive(np.abs(at), scale), DIFFERENCES[difference], mode="valid")
