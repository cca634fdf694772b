"""Networks that have the same weights: in two packages, or in two precisions.

Found by their filters, not by their names. A sample of each layer's scaled filters is compared with that of layers of
other networks that have as many filters. Scaling takes away what folding a normalisation into a convolution does to
its filters; what rounding to 8 bits does to them leaves the correlation near one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from keyfilters.analysis.streaming import Labelled

SAMPLE = 32  # filters of a layer, at equal distances
CORRELATION = 0.98  # of two samples of one layer
SHARE = 0.5  # of the layers of the network that has fewer of them


def sampling(blocks: Labelled, counts: Mapping, samples: dict) -> Labelled:
    """The blocks as they come, with `SAMPLE` filters of each layer left in `samples` by its label, `[SAMPLE, d]`.

    `counts`: filters of each layer. Of a layer that has fewer, the rest is zero.
    """
    seen: Counter = Counter()
    for label, block in blocks:
        if label not in samples:
            samples[label] = np.zeros((SAMPLE, block.shape[1]), np.float32)
        positions = np.unique(np.linspace(0, counts[label] - 1, SAMPLE).astype(int)) - seen[label]
        inside = (positions >= 0) & (positions < len(block))
        samples[label][np.flatnonzero(inside)] = block[positions[inside]]
        seen[label] += len(block)
        yield label, block


def duplicates(models: Sequence[str], filters: np.ndarray, samples: np.ndarray) -> dict[str, str]:
    """Networks with the weights of an earlier one, by name, with the first that has these weights.

    `models`: the network of each of L layers, in the order in which the first is to be kept; `filters [L]`: how many
    the layer has; `samples [L, SAMPLE, d]`: some of them, scaled (9). Two layers are one if their samples, less
    the mean filter of each, correlate by at least `CORRELATION`; two networks, if `SHARE` of the layers of the one
    that has fewer are. Layers that do not vary tell nothing, and neither do those of less than 8 filters.
    """
    models = np.asarray(models)
    order = {model: number for number, model in enumerate(dict.fromkeys(models))}
    centred = samples - samples.mean(axis=1, keepdims=True)
    flat = centred.reshape(len(samples), samples.shape[1] * samples.shape[2]).astype(np.float64)
    lengths = np.linalg.norm(flat, axis=1)
    telling = (lengths > 0) & (np.asarray(filters) >= 8)
    layers = Counter(models[telling])
    common: Counter = Counter()
    for _, rows in pd.Series(np.flatnonzero(telling)).groupby(np.asarray(filters)[telling]):
        units = flat[rows] / lengths[rows, None]
        for one, other in zip(*np.nonzero(np.triu(units @ units.T >= CORRELATION, k=1)), strict=True):
            pair = models[rows.iloc[one]], models[rows.iloc[other]]
            if pair[0] != pair[1]:
                common[tuple(sorted(pair, key=order.__getitem__))] += 1
    originals: dict[str, str] = {}
    for (one, other), count in sorted(common.items(), key=lambda item: [order[model] for model in item[0]]):
        if count >= SHARE * min(layers[one], layers[other]):
            originals.setdefault(other, originals.get(one, one))
    return originals
