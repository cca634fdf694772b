"""Figures of the depthwise filters of the networks that a study trains: what each is, and what it is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from keyfilters.config.analysis import FILTERS_OF
from keyfilters.config.base import Name, PositiveInt
from keyfilters.store.identity import Job
from keyfilters.study.filterdb import FilterFigure, trained
from keyfilters.study.jobs import basis, extracts, filterdb, histograms, layers
from keyfilters.study.output import Output

if TYPE_CHECKING:
    from keyfilters.study.study import Study

Names = Annotated[tuple[Name, ...], Field(min_length=1)]


PAPER = "Depthwise filters"


class DepthwiseSets(Output):
    """One of several sets of depthwise filters, of all networks that have them."""

    paper = PAPER
    kind = "figure"
    reads = "filters"
    minutes = 30

    sets: Names = ("depthwise_7x7",)

    def check(self, study: Study) -> None:
        for name in self.sets:
            FilterFigure(set=name).check(study)

    def of_sets(self, study: Study, *fields: str) -> dict[str, Any]:
        """Fields of each of its sets."""
        return {name: study.analysis.sets[name].model_dump(mode="json", include={*fields}) for name in self.sets}


class DepthwiseBasis(DepthwiseSets):
    """The bases of sets of depthwise filters."""

    name = "depthwise_pca"
    caption = "Principal components of sets of depthwise filters."

    def inputs(self, study: Study) -> dict[str, Job]:
        return {"basis": basis(study), "layers": layers(study)}

    def settings(self, study: Study) -> dict[str, Any]:
        return {"sets": self.of_sets(study, "kernel", "min_filters")}


class DepthwisePatterns(DepthwiseSets):
    """How much of depthwise filters a few patterns explain that were fitted to other networks.

    `counts`: of patterns, of which the one of `drawn` is drawn. `filters_of_network`: at most, so that no large network
    decides. `samples` of the bootstrap.
    """

    name = "depthwise_patterns"
    caption = "How much of depthwise filters a few patterns explain."

    counts: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (1, 2, 4, 8, 16)
    drawn: PositiveInt = 8
    filters_of_network: PositiveInt = 300
    samples: PositiveInt = 2000

    def check(self, study: Study) -> None:
        super().check(study)
        if self.drawn not in self.counts:
            raise ValueError(f".drawn: {self.drawn} is none of the `counts`, {', '.join(map(str, self.counts))}")

    def inputs(self, study: Study) -> dict[str, Job]:
        tables = {f"filterdb/{name}": filterdb(study)[name] for name in self.sets}
        return tables | {f"{FILTERS_OF}{name}": job for name, job in extracts(study).items()}

    def settings(self, study: Study) -> dict[str, Any]:
        of = {"sets": self.of_sets(study, "kernel", "kinds"), "precision": study.analysis.precision}
        return self.model_dump(mode="json") | of


class DepthwiseCovariance(DepthwiseSets):
    """Covariance of the taps of depthwise filters by depth, in as many `parts` of it.

    A layer needs `min_filters_of_layer`. `samples` of the bootstrap.
    """

    name = "depthwise_covariance"
    caption = "Covariance of the taps of depthwise filters by depth."

    parts: PositiveInt = 3
    min_filters_of_layer: PositiveInt = 16
    samples: PositiveInt = 2000

    def inputs(self, study: Study) -> dict[str, Job]:
        return {f"filterdb/{name}": filterdb(study)[name] for name in self.sets} | {"layers": layers(study)}

    def settings(self, study: Study) -> dict[str, Any]:
        return self.model_dump(mode="json")


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
