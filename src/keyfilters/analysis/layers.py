"""What one pass over filters finds out of every layer: moments, and what its quality needs."""

from __future__ import annotations

from collections.abc import Iterator
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


def measure(blocks: Labelled, threads: int | None = None) -> Iterator[tuple[Any, Layer]]:
    """Every layer with its label, from blocks `[n, d]` that come layer by layer, each with its layer's label.

    One pass: a layer's threshold of sparsity is known only at its end, so its filters' peaks are kept until then, a
    d-th of its weights. Raises KeyfiltersError if a weight is NaN or infinite.
    """
    for label, parts in groupby(over_labelled(blocks, _measure, threads=threads), key=itemgetter(0)):
        raw, scaled, peaks = zip(*(part for _, part in parts), strict=True)
        layer = Layer(_merged(raw), _merged(scaled), np.concatenate(peaks))
        if not np.isfinite(layer.scaled.scatter).all():
            raise KeyfiltersError(f"layer {label}: weights are NaN or infinite: this is no trained model; leave it out")
        yield label, layer


def _measure(chunk: np.ndarray):
    from keyfilters.analysis import kernels

    return kernels.moments(chunk, False), kernels.moments(chunk, True), np.abs(chunk).max(axis=1)


def _merged(parts) -> Moments:
    return merge((Moments(*part) for part in parts), len(parts[0][1]))
