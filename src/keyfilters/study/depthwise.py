"""Figures of the depthwise filters of the networks that a study trains: what each is, and what it is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from keyfilters.config.base import Name, PositiveInt
from keyfilters.store.identity import Job
from keyfilters.study.filterdb import FilterFigure, trained
from keyfilters.study.jobs import basis, histograms, layers
from keyfilters.study.output import Output

if TYPE_CHECKING:
    from keyfilters.study.study import Study

Names = Annotated[tuple[Name, ...], Field(min_length=1)]


PAPER = "Depthwise filters"


class DepthwiseBasis(Output):
    """The bases of sets of depthwise filters."""

    name = "depthwise_pca"
    paper = PAPER
    kind = "figure"
    reads = "filters"
    minutes = 30
    caption = "Principal components of sets of depthwise filters."

    sets: Names = ("depthwise_7x7",)

    def check(self, study: Study) -> None:
        for name in self.sets:
            FilterFigure(set=name).check(study)

    def inputs(self, study: Study) -> dict[str, Job]:
        return {"basis": basis(study), "layers": layers(study)}

    def settings(self, study: Study) -> dict[str, Any]:
        filter_sets = {name: study.analysis.sets[name] for name in self.sets}
        fields = {"kernel", "min_filters"}
        return {"sets": {name: of.model_dump(mode="json", include=fields) for name, of in filter_sets.items()}}


class DepthwiseFigure(FilterFigure):
    """One of the depthwise filters of the networks that are trained here. A layer needs `min_filters_of_layer`."""

    paper = PAPER

    set: Name = "depthwise_7x7"
    min_filters_of_layer: PositiveInt = 16

    def check(self, study: Study) -> None:
        super().check(study)
        if not trained(study):
            raise ValueError(": the study keeps no filters of networks trained here; name some in `zoo.trained`")

    def settings(self, study: Study) -> dict[str, Any]:
        return super().settings(study) | {"networks": list(trained(study))}


class DepthwiseDrift(DepthwiseFigure):
    """Drift between layers, training sets and architectures, each from as many filters as the others have.

    A group of many layers needs `min_filters`. `draws`: how often filters are drawn. `samples` of the bootstrap.
    """

    name = "depthwise_drift"
    caption = "Drift of depthwise filters between layers, training sets and architectures."

    min_filters_of_layer: PositiveInt = 32
    min_filters: PositiveInt = 100
    draws: PositiveInt = 50
    samples: PositiveInt = 2000

    def inputs(self, study: Study) -> dict[str, Job]:
        counted = histograms(study)
        return super().inputs(study) | {"basis": basis(study), **{name: counted[name] for name in trained(study)}}

    def settings(self, study: Study) -> dict[str, Any]:
        return super().settings(study) | study.analysis.model_dump(include={"floor", "epsilon"})


class DepthwiseQuality(DepthwiseFigure):
    """Sparsity and entropy of depthwise filters by depth."""

    name = "depthwise_quality"
    caption = "Sparsity and entropy of depthwise filters by depth."
