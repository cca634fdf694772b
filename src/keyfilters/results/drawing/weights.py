"""Filters as small images, which several figures have."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from keyfilters.results.drawing import palette


def show(axis: plt.Axes, weights: np.ndarray, peak: float | None = None) -> None:
    """One filter `[kh, kw]` alone, in colours from minus to plus `peak`; its own largest absolute weight if None."""
    peak = (float(np.abs(weights).max()) if peak is None else peak) or 1.0  # all zeros are white
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
    axis.imshow(weights, cmap=palette.WEIGHTS, vmin=-peak, vmax=peak, interpolation="nearest")


def colour_bar(figure: Figure, axes: np.ndarray, label: str) -> None:
    """What the colours of all filters of `axes` mean, below them."""
    colours = ScalarMappable(Normalize(-1, 1), palette.WEIGHTS)
    figure.colorbar(
        colours, ax=axes, location="bottom", shrink=0.35, aspect=40, pad=0.02, label=label, ticks=[-1, 0, 1]
    )
