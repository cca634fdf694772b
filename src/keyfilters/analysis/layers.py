"""What one pass over filters finds out of every layer: moments, and what its quality needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np

from keyfilters.analysis.moments import Moments, merge
from keyfilters.analysis.streaming import Labelled, over_labelled
from keyfilters.errors import KeyfiltersError


@dataclass(frozen=True)
class Layer:
    """Moments of a layer's filters, `raw` and `scaled` by their peaks (9), and these `peaks [n]`: largest |w|."""

    raw: Moments
    scaled: Moments
    peaks: np.ndarray


def measure(
    blocks: Labelled, threads: int | None = None, names: Mapping[Any, str] | None = None
) -> Iterator[tuple[Any, Layer]]:
    """Every layer with its label, from blocks `[n, d]` that come layer by layer, each with its layer's label.

    One pass: a layer's threshold of sparsity is known only at its end, so its filters' peaks are kept until then, a
    d-th of its weights. Raises KeyfiltersError with the layer's name, by its label, if a weight is NaN or infinite.
    """
    names = {} if names is None else names
    for label, parts in groupby(over_labelled(blocks, _measure, threads=threads), key=itemgetter(0)):
        raw, scaled, peaks = zip(*(part for _, part in parts), strict=True)
        if not all(part.finite for part in scaled):
            name = names.get(label, label)
            raise KeyfiltersError(f"layer {name}: weights are NaN or infinite in this precision; leave its network out")
        dimensions = len(raw[0].mean)
        yield label, Layer(merge(raw, dimensions), merge(scaled, dimensions), np.concatenate(peaks))


def _measure(chunk: np.ndarray) -> tuple[Moments, Moments, np.ndarray]:
    from keyfilters.analysis import kernels

    raw, scaled = (Moments(*kernels.moments(chunk, is_scaled)) for is_scaled in (False, True))
    return raw, scaled, kernels.peaks(chunk)
