"""How filters are analysed: the section `analysis`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from keyfilters.config.base import Name, PositiveInt, Settings, Share
from keyfilters.zoo.table import PRECISIONS

COUNTED_KINDS = ("regular", "depthwise", "grouped")

FILTERS_OF = "filters/"  # before a model id: the role of its `extract`, where the id itself is that of its `moments`
VERDICTS = ("randomness", "sparse_above", "low_diversity_below", "filters_per_weight")
"""The settings of `Analysis` that decide its verdicts on layers."""


class FilterSet(Settings):
    """Filters that are analysed together; by default those of the paper: 3x3, of all but transposed convolutions."""

    kernel: tuple[PositiveInt, PositiveInt] = (3, 3)
    """Height and width."""
    kinds: Annotated[tuple[Literal[COUNTED_KINDS], ...], Field(min_length=1)] = COUNTED_KINDS
    """Of the convolutions."""
    precisions: Annotated[tuple[Literal[PRECISIONS], ...], Field(min_length=1)] | None = None
    """Only of networks whose weights are kept so; None is all. The paper's networks all have 32 bits."""
    min_filters: PositiveInt = 10_000
    """A group of fewer is in no table."""
    min_models: PositiveInt = 1
    """A group of fewer networks is in no table."""


class Analysis(Settings):
    """How filters are analysed. Where *CNN Filter DB* and its authors' notebook differ, the paper is the default."""

    sets: dict[Name, FilterSet] = Field(default={"conv_3x3": FilterSet()}, min_length=1)
    """Sets of filters by name, each with a basis of its own."""
    basis_of: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """The networks whose filters define bases and ranges of histograms; None is all of the study."""

    precision: Literal["float32", "float16"] = "float32"
    """That weights are rounded to first: the notebook loads them as float16."""
    bins: PositiveInt = 70
    """Of a histogram."""
    range: Literal["observed", "bounded"] = "observed"
    """Of a histogram: from the smallest to the largest coefficient of the study, or what scaled filters cannot leave
    (`bounded`), which saves a pass over them."""
    floor: Literal["probability", "density"] = "probability"
    """Of a distribution: no `probability` is less than `epsilon` (the paper, which gives no number), or the `density`
    of empty bins is (the notebook, with this number)."""
    epsilon: Annotated[float, Field(gt=0, lt=1)] = 2.0**-23
    """See `floor`."""
    sparse: Literal["at_most", "below"] = "at_most"
    """All of a filter's |w| are `at_most` (6), or, as in the notebook, `below` a share of the layer's largest."""
    sparse_share: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """The share of the layer's largest |w|."""
    duplicates: Literal["once", "each"] = "once"
    """Of networks with the same weights, in two packages or two precisions, one is counted (`once`), or `each`, as the
    paper does."""
    randomness: Literal["published", "exact", "fitted"] = "published"
    """The threshold (8): with the constants that are `published`, for 3x3; those before they were rounded (`exact`),
    which the authors' torchconvquality has; or `fitted` anew."""
    sparse_above: Share = 0.5
    """A layer is sparse if more than this share of its filters is; the paper gives no threshold."""
    low_diversity_below: Annotated[float, Field(ge=0)] = 0.30103
    """A layer has low diversity if its entropy is less: log10 2, that of two components of one variance."""
    filters_per_weight: Annotated[float, Field(ge=0)] = 5
    """Entropy is judged from so many filters for each of a kernel's weights."""


def filters_of(analysis: Analysis) -> dict[str, Any]:
    """Which filters an analysis reads, and how."""
    sets = {
        name: filter_set.model_dump(mode="json", include={"kernel", "kinds"})
        for name, filter_set in analysis.sets.items()
    }
    return {"sets": sets, "precision": analysis.precision}


def bases_of(analysis: Analysis, stored: Mapping[str, str]) -> dict[str, Any]:
    """Which filters define bases, and the bins of histograms.

    `stored`: the precision of the weights of each network that is not kept in float32.
    """
    settings = filters_of(analysis) | analysis.model_dump(mode="json", include={"bins", "range", "duplicates"})
    for name, filter_set in analysis.sets.items():
        settings["sets"][name]["precisions"] = filter_set.model_dump(mode="json")["precisions"]
    return settings | {"stored": dict(stored)}


def tables_of(analysis: Analysis, name: str, stored: Mapping[str, str]) -> dict[str, Any]:
    """What decides the tables of the set `name` beside what they are made from; `stored` as for `bases_of`."""
    settings = analysis.model_dump(mode="json", include={"floor", "epsilon", "duplicates", *VERDICTS})
    least = analysis.sets[name].model_dump(include={"min_filters", "min_models"})
    return settings | least | {"sets": {name: bases_of(analysis, stored)["sets"][name]}, "stored": dict(stored)}
