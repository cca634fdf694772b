"""How good a model's filters are: sparsity, entropy and randomness of each layer's raw weights, with a verdict."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from keyfilters.analysis import randomness
from keyfilters.analysis.degeneration import entropy, sparsity
from keyfilters.analysis.layers import measure
from keyfilters.analysis.moments import Moments
from keyfilters.analysis.streaming import rounded
from keyfilters.config.analysis import Analysis
from keyfilters.errors import KeyfiltersError
from keyfilters.filters.store import Filters

Verdict = Literal["sparse", "low diversity", "random", "too few", "regular"]
DEGENERATED = ("sparse", "low diversity", "random")


@dataclass(frozen=True)
class Quality:
    """One layer: `sparsity` S (6), `entropy` H (7), `threshold` T_H (8), `fitted_threshold` T_H by our own fit."""

    sparsity: float
    entropy: float
    threshold: float
    fitted_threshold: float
    verdict: Verdict


def quality(filters: Filters, analysis: Analysis, threads: int | None = None) -> pd.DataFrame:
    """The layers whose quality can be told, rows of `filters.layers`, with the fields of `Quality` as columns.

    These are the convolutions with kernels of more than one weight; transposed ones are left out (section 3.1).
    Raises KeyfiltersError if there are none.
    """
    layers = filters.layers
    layers = layers[(layers["kh"] * layers["kw"] > 1) & (layers["kind"] != "transposed") & (layers["filters"] > 0)]
    if layers.empty:
        raise KeyfiltersError("no convolution with kernels of more than one weight, so no quality to tell")
    measured = measure(rounded(filters.blocks(layers), analysis.precision), threads, layers["layer"])
    by_layer = {label: asdict(of_layer(layer.raw, layer.peaks, analysis)) for label, layer in measured}
    return layers.join(pd.DataFrame.from_dict(by_layer, orient="index", columns=list(Quality.__annotations__)))


def as_json(name: str, layers: pd.DataFrame, analysis: Analysis) -> dict[str, Any]:
    """The layers that `quality` gives, with the settings that their verdicts rest on, as JSON types."""
    shown = layers[["layer", "kind", "kh", "kw", "filters", *Quality.__annotations__]]
    return {
        "model": name,
        "settings": analysis.model_dump(mode="json"),
        "layers": json.loads(shown.to_json(orient="records", double_precision=15)),
    }


def of_layer(moments: Moments, peaks: np.ndarray, analysis: Analysis) -> Quality:
    """A layer's quality from the moments of its raw filters and the largest absolute weight of each, `[n]`."""
    measured = sparsity(peaks, analysis), float(entropy(moments.covariance))
    return judged(moments.count, len(moments.mean), *measured, analysis)


def judged(filters: int, dimensions: int, sparsity: float, entropy: float, analysis: Analysis) -> Quality:
    """The quality of a layer of `filters` kernels of `dimensions` weights whose sparsity and entropy are known."""
    fitted = randomness.fitted(dimensions)
    published = {"published": randomness.PUBLISHED, "exact": randomness.EXACT} if dimensions == 9 else {}
    threshold = published.get(analysis.randomness, fitted)
    thresholds = float(threshold(filters)), float(fitted(filters))
    judgement = verdict(filters, dimensions, sparsity, entropy, thresholds[0], analysis)
    return Quality(sparsity, entropy, *thresholds, judgement)


def verdict(
    filters: int, dimensions: int, sparsity: float, entropy: float, threshold: float, analysis: Analysis
) -> Verdict:
    """What to call a layer of `filters` kernels of `dimensions` weights; the first that holds.

    `sparse`: more than `sparse_above` of its filters are. `too few`: less than `filters_per_weight` filters for each
    weight, from which its entropy says nothing (section 3.4). `low diversity`: entropy below `low_diversity_below`.
    `random`: entropy above the threshold (8). `regular`: none of these. So a layer of one filter is sparse if that is
    zero, else too few, and a constant layer of enough filters, whose entropy is zero, is of low diversity.
    """
    if sparsity > analysis.sparse_above:
        return "sparse"
    if filters < analysis.filters_per_weight * dimensions:
        return "too few"
    if entropy < analysis.low_diversity_below:
        return "low diversity"
    return "random" if entropy > threshold else "regular"
