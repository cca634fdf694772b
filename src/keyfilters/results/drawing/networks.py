"""What `keyfilters quality` and `drift` print of single networks, as an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
import pandas as pd

from keyfilters.analysis.pairs import Pair
from keyfilters.results.drawing import palette
from keyfilters.results.drawing.files import shortened

matplotlib.use("agg")
import matplotlib.pyplot as plt
from matplotlib.figure import Figure


def quality_figure(networks: Mapping[str, pd.DataFrame]) -> Figure:
    """Sparsity and entropy of every layer, in the order of the network and coloured by verdict, a row per network."""
    figure, axes = plt.subplots(
        len(networks), 2, figsize=(10, 2.4 * len(networks) + 0.6), layout="constrained", squeeze=False
    )
    for (sparsity, entropy), (name, layers) in zip(axes, networks.items(), strict=True):
        position = np.arange(1, len(layers) + 1)
        for verdict, colour in palette.QUALITY.items():
            rows = (layers["verdict"] == verdict).to_numpy()
            if rows.any():
                sparsity.plot(position[rows], layers["sparsity"][rows], "o", color=colour, ms=4, label=verdict)
                entropy.plot(position[rows], layers["entropy"][rows], "o", color=colour, ms=4, label=verdict)
        entropy.plot(position, layers["threshold"], "_", color=palette.BLACK, ms=5, label="T_H")
        sparsity.set(ylim=(-0.03, 1.03), ylabel="sparsity")
        entropy.set(ylim=(-0.03, None), ylabel="entropy")
        sparsity.set_title(f"{shortened(name, 70)}: {len(layers)} layers", loc="left")
        entropy.legend(loc="lower right")
        for axis in (sparsity, entropy):
            axis.set_xlabel("layer")
    return figure


def drift_figure(drifts: Mapping[tuple[str, str], Sequence[Pair]]) -> Figure:
    """Symmetric KL along each component and its part of D, a row per pair of networks, a column per set of filters."""
    columns = max(len(pairs) for pairs in drifts.values())
    figure, axes = plt.subplots(
        len(drifts), columns, figsize=(4.5 * columns, 2.6 * len(drifts) + 0.6), layout="constrained", squeeze=False
    )
    for axis in axes.flat:
        axis.axis("off")
    for row, (names, pairs) in zip(axes, drifts.items(), strict=True):
        for axis, pair in zip(row, pairs, strict=False):
            axis.axis("on")
            components = np.arange(1, len(pair.components) + 1)
            axis.bar(components - 0.2, pair.components, 0.4, color=palette.BLUE, label="symmetric KL")
            parts = np.multiply(pair.components, pair.weights)
            axis.bar(components + 0.2, parts, 0.4, color=palette.ORANGE, label="its part of D")
            axis.set_title(f"{' and '.join(shortened(name, 34) for name in names)}\n{pair.set}: D = {pair.drift:.4g}")
            axis.set(xlabel="component", ylabel="nats")
            axis.legend()
    return figure
