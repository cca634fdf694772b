"""Figures of filters of networks that the study itself trains: what each is made of, and its settings.

Those of *CNN Filter DB* that need low-resolution networks, and those of the depthwise filters of *The Master Key
Filters Hypothesis*.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from keyfilters.config.base import Name, PositiveFloat, PositiveInt
from keyfilters.store.identity import Job
from keyfilters.study.filterdb import FilterFigure
from keyfilters.study.jobs import basis, extracts, formation, histograms, lowres

if TYPE_CHECKING:
    from keyfilters.study.study import Study

Names = Annotated[tuple[Name, ...], Field(min_length=1)]


def trained(study: Study) -> dict[str, Job]:
    """The trainings of all networks of the store that are trained here, by model id."""
    found = {name: job.inputs["network"] for name, job in extracts(study).items() if "network" in job.inputs}
    return {name: job for name, job in found.items() if "training" in job.settings}


class FilterFigure1(FilterFigure):
    """The first `filters` of every layer of one network of the store."""

    network: str = "lowres-cifar10-resnet18-seed0"
    filters: PositiveInt = 24

    def check(self, study: Study) -> None:
        super().check(study)
        if self.network not in extracts(study):
            raise ValueError(f".network: no network {self.network!r} in the study's zoo; `filters ls` lists them")

    def inputs(self, study: Study) -> dict[str, Job]:
        return {"network": extracts(study)[self.network]}

    def settings(self, study: Study) -> dict[str, Any]:
        given = study.analysis.sets[self.set]
        return super().settings(study) | given.model_dump(mode="json", include={"kernel", "kinds"})


class FilterFigure2(FilterFigure):
    """Sparsity and entropy by depth of over-parameterised, robust and regular classifiers.

    Over-parameterised is a network trained here that has at least `weights_per_picture` weights for each picture that
    it was trained on. `robust`: the networks that were trained against adversarial pictures. All others are regular.
    A class needs `min_filters`; a box is drawn from `min_layers`, of fewer each is a dot.
    """

    robust: tuple[str, ...] = ()
    weights_per_picture: PositiveFloat = 1
    min_filters: PositiveInt = 1000
    min_layers: PositiveInt = 5

    def check(self, study: Study) -> None:
        super().check(study)
        for name in self.robust:
            if name not in extracts(study):
                raise ValueError(f".robust: no network {name!r} in the study's zoo; `filters ls` lists them")

    def inputs(self, study: Study) -> dict[str, Job]:
        return super().inputs(study) | {f"network/{name}": job for name, job in trained(study).items()}


class FilterFigure7(FilterFigure):
    """Coefficients of one low-resolution network while it is trained: the study's `lowres.formation`.

    It needs at least `min_filters`.
    """

    min_filters: PositiveInt = 1000

    def check(self, study: Study) -> None:
        super().check(study)
        if not formation(study):
            raise ValueError(": no network keeps its weights during training; set `lowres.formation`")

    def inputs(self, study: Study) -> dict[str, Job]:
        return {"basis": basis(study)} | {f"epoch/{epoch}": job for epoch, job in formation(study).items()}

    def settings(self, study: Study) -> dict[str, Any]:
        return super().settings(study) | study.analysis.model_dump(include={"floor", "epsilon"})


class FilterReproducibility(FilterFigure):
    """Accuracy of the low-resolution networks and drift over their seeds, beside drift between networks and sets.

    Networks with less than `min_filters` are left out. `draws`: how often the drift by chance is drawn.
    """

    min_filters: PositiveInt = 1000
    draws: PositiveInt = 50

    def check(self, study: Study) -> None:
        super().check(study)
        if not study.zoo.lowres or not study.lowres.reproducibility:
            raise ValueError(": no low-resolution network of several seeds; set `zoo.lowres`, `lowres.reproducibility`")

    def inputs(self, study: Study) -> dict[str, Job]:
        counted = histograms(study)
        found = {"basis": basis(study)}
        for name, job in lowres(study).items():
            found |= {f"network/{name}": job, f"histograms/{name}": counted[f"lowres-{name}"]}
        return found

    def settings(self, study: Study) -> dict[str, Any]:
        section = study.lowres
        order = [
            [f"{dataset}-{network}-seed{seed}", dataset, network]
            for dataset, network in section.pairs
            for seed in section.seeds_of(dataset, network)
        ]
        return super().settings(study) | study.analysis.model_dump(include={"floor", "epsilon"}) | {"networks": order}


class DepthwiseBasis(FilterFigure):
    """The bases of sets of depthwise filters."""

    sets: Names = ("depthwise_7x7",)

    def check(self, study: Study) -> None:
        for name in self.sets:
            FilterFigure(set=name).check(study)

    def inputs(self, study: Study) -> dict[str, Job]:
        return {"basis": basis(study)}

    def settings(self, study: Study) -> dict[str, Any]:
        given = {name: study.analysis.sets[name] for name in self.sets}
        told = {name: of.model_dump(mode="json", include={"kernel", "min_filters"}) for name, of in given.items()}
        return {"sets": told}


class DepthwiseFigure(FilterFigure):
    """One of the depthwise filters of the networks that are trained here. A layer needs `min_filters_of_layer`."""

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

    min_filters_of_layer: PositiveInt = 32
    min_filters: PositiveInt = 100
    draws: PositiveInt = 50
    samples: PositiveInt = 2000

    def inputs(self, study: Study) -> dict[str, Job]:
        counted = histograms(study)
        return super().inputs(study) | {"basis": basis(study), **{name: counted[name] for name in trained(study)}}

    def settings(self, study: Study) -> dict[str, Any]:
        return super().settings(study) | study.analysis.model_dump(include={"floor", "epsilon"})
