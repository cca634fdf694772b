"""The figures of *CNN Filter DB*: what each is made of, and its settings."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from keyfilters.config.analysis import FILTERS_OF
from keyfilters.config.base import Name, PositiveFloat, PositiveInt, Settings
from keyfilters.store.identity import Job
from keyfilters.study.experiment import Ordered, cell
from keyfilters.study.jobs import basis, extracts, filterdb, formation, histograms, lowres, lowres_train
from keyfilters.study.output import Output

if TYPE_CHECKING:
    from keyfilters.study.study import Study


PAPER = "CNN Filter DB"


class LowResolution(Ordered):
    """Accuracy of the low-resolution networks of *CNN Filter DB*, beside the published ones."""

    name = "lowres"
    paper = PAPER
    caption = "Accuracy of the low-resolution networks, beside the published ones."

    def check(self, study: Study) -> None:
        if not list(study.lowres.pairs):
            raise ValueError(": the study has no low-resolution networks; give `lowres` networks and datasets")

    def inputs(self, study: Study) -> dict[str, Job]:
        section, cells = study.lowres, {}
        for dataset, network in section.pairs:
            role = {"network": network, "model": section.model_of(dataset, network).key_fields}
            training = partial(lowres_train, study, dataset, network)
            settings, seeds = {"target": dataset, "role": role}, section.seeds_of(dataset, network)
            cells[f"{dataset}--{network}"] = cell(study, f"{dataset}--{network}", settings, training, seeds)
        return cells


def trained(study: Study) -> dict[str, Job]:
    """The trainings of all networks of the store that are trained here, by model id."""
    networks = {name: job.inputs["network"] for name, job in extracts(study).items() if "network" in job.inputs}
    return {name: job for name, job in networks.items() if "training" in job.settings}


class FilterFigure(Output):
    """A figure of the filters of the zoo that are of one of the `sets` of the study's analysis."""

    paper = PAPER
    kind = "figure"
    reads = "filters"
    minutes = 30

    set: Name = "conv_3x3"

    def check(self, study: Study) -> None:
        """Raises ValueError, which begins with the field, if the study has no such set of filters."""
        if self.set not in study.analysis.sets:
            known = ", ".join(study.analysis.sets)
            raise ValueError(f".set: no set of filters {self.set!r} in `analysis.sets`, expected one of: {known}")
        if not extracts(study):
            raise ValueError(": the study has no networks whose filters it could show; name some in its section `zoo`")

    def inputs(self, study: Study) -> dict[str, Job]:
        """The tables of the set."""
        return {"filterdb": filterdb(study)[self.set]}

    def settings(self, study: Study) -> dict[str, Any]:
        return self.model_dump(mode="json")


class FilterFigure1(FilterFigure):
    """The first `filters` of every layer of one network of the store."""

    name = "filterdb_fig1"
    caption = "The first filters of every layer of one network."

    network: str = "lowres-cifar10-resnet18-seed0"
    filters: PositiveInt = 24

    def check(self, study: Study) -> None:
        super().check(study)
        if self.network not in extracts(study):
            raise ValueError(f".network: no network {self.network!r} in the study's zoo; `filters ls` lists them")

    def inputs(self, study: Study) -> dict[str, Job]:
        network = extracts(study)[self.network]
        training = {"training": network.inputs["network"]} if "network" in network.inputs else {}
        return {"network": network, **training}

    def settings(self, study: Study) -> dict[str, Any]:
        filter_set = study.analysis.sets[self.set]
        return super().settings(study) | filter_set.model_dump(mode="json", include={"kernel", "kinds"})


class FilterFigure2(FilterFigure):
    """Sparsity and entropy by depth of over-parameterised, robust and regular classifiers.

    Over-parameterised is a network trained here that has at least `weights_per_picture` weights for each image that
    it was trained on; `by_training_set`, a class for each of their sets. `robust`: the networks that were trained
    against adversarial images. All others are regular.
    A class needs `min_filters`; a box is drawn from `min_layers`, of fewer each is a dot.
    """

    name = "filterdb_fig2"
    caption = "Sparsity and entropy by depth of over-parameterised, robust and regular classifiers."

    robust: tuple[str, ...] = ()
    weights_per_picture: PositiveFloat = 1
    min_filters: PositiveInt = 1000
    min_layers: PositiveInt = 5
    by_training_set: bool = False

    def check(self, study: Study) -> None:
        super().check(study)
        for name in self.robust:
            if name not in extracts(study):
                raise ValueError(f".robust: no network {name!r} in the study's zoo; `filters ls` lists them")

    def inputs(self, study: Study) -> dict[str, Job]:
        return super().inputs(study) | {f"network/{name}": job for name, job in trained(study).items()}

    def settings(self, study: Study) -> dict[str, Any]:
        """Without what is off, so that a figure of one class keeps its key."""
        settings = super().settings(study)
        return settings if self.by_training_set else {k: v for k, v in settings.items() if k != "by_training_set"}


class DistributionFigure(FilterFigure):
    """One that is drawn from the set's histograms too, which the networks' own artifacts keep."""

    def inputs(self, study: Study) -> dict[str, Job]:
        return super().inputs(study) | dict(filterdb(study)[self.set].inputs)

    def settings(self, study: Study) -> dict[str, Any]:
        return super().settings(study) | dict(filterdb(study)[self.set].settings)


class FilterFigure3(DistributionFigure):
    """Densities of coefficients along the first `components`, by visual category: `groups`, or all large enough."""

    name = "filterdb_fig3"
    caption = "Densities of the coefficients along the components, by visual category."

    groups: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    components: PositiveInt = 9


class FilterFigure4(DistributionFigure):
    """The first two coefficients against each other, of the largest networks or layers of each phenotype.

    As many `examples` of each; `bins` in either direction, between minus and plus `limit`.
    """

    name = "filterdb_fig4"
    caption = "The first two coefficients against each other: examples of each phenotype."

    examples: PositiveInt = 2
    bins: PositiveInt = 512
    limit: PositiveFloat = 3.3

    def inputs(self, study: Study) -> dict[str, Job]:
        """The filters of all networks too: which of them are examples, their histograms decide."""
        return super().inputs(study) | {f"{FILTERS_OF}{name}": job for name, job in extracts(study).items()}


class Group(Settings):
    """One group of a grouping, by its name in the tables of drift; of `conv_depth`, the layers of a depth: `0` are each
    network's first."""

    grouping: Literal[
        "model", "task", "visual_category", "training_set", "family", "precision", "depth_decile", "conv_depth"
    ]
    group: str


class FilterFigure5(DistributionFigure):
    """Bases of all filters and of some groups, the first `components`, with the explained variance."""

    name = "filterdb_fig5"
    caption = "Bases of all filters and of some groups, with the variance that they explain."

    groups: tuple[Group, ...] = (Group(grouping="depth_decile", group="[0.0, 0.1]"),)
    components: PositiveInt = 9


class FilterFigure6(FilterFigure):
    """Drift along each component over all pairs of networks."""

    name = "filterdb_fig6"
    caption = "Drift along each component over all pairs of networks."


class FilterFigure7(FilterFigure):
    """Coefficients of one low-resolution network while it is trained: the study's `lowres.formation`.

    It needs at least `min_filters`.
    """

    name = "filterdb_fig7"
    caption = "The coefficients of one network while it is trained."

    min_filters: PositiveInt = 1000

    def check(self, study: Study) -> None:
        super().check(study)
        if not formation(study):
            raise ValueError(": no network keeps its weights during training; set `lowres.formation`")

    def inputs(self, study: Study) -> dict[str, Job]:
        epochs = formation(study)
        network = epochs[max(epochs)].inputs["filters"]
        return {"basis": basis(study), "network": network} | {f"epoch/{epoch}": job for epoch, job in epochs.items()}

    def settings(self, study: Study) -> dict[str, Any]:
        return super().settings(study) | study.analysis.model_dump(include={"floor", "epsilon"})


class FilterFigure8(FilterFigure):
    """Drift between tasks, visual categories, training sets and depth deciles as heat maps."""

    name = "filterdb_fig8"
    caption = "Drift between tasks, visual categories, training sets and depth deciles."


class FilterFigure9(FilterFigure):
    """Drift between pairs of networks by depth decile: of networks for these `tasks`, of all if None."""

    name = "filterdb_fig9"
    caption = "Drift between pairs of networks by depth."

    tasks: Annotated[tuple[str, ...], Field(min_length=1)] | None = ("classification",)


class FilterFigure10(FilterFigure):
    """Drift between the networks for `task` whose architecture has `family` in its name.

    `task` None is any, which the paper does not have. `low_resolution`: also the study's own such networks, which the
    paper calls overparameterised and leaves out.
    """

    name = "filterdb_fig10"
    caption = "Drift between networks of one family of architectures."

    family: Annotated[str, Field(min_length=1)] = "ResNet"
    task: str | None = "classification"
    low_resolution: bool = False


class FilterAblation(FilterFigure):
    """Mean drift between groups with and without degenerated layers."""

    name = "filterdb_ablation"
    caption = "Mean drift between groups with and without degenerated layers."


class FilterClaims(FilterFigure):
    """Numbers and claims of the paper's text beside those of the study's networks. `samples` of the bootstrap."""

    name = "filterdb_claims"
    kind = "table"
    caption = "Numbers and claims of the text of CNN Filter DB, beside those of the study's networks."

    samples: PositiveInt = 2000


class FilterZoo(DistributionFigure):
    """Sparsity and entropy by depth, and what `keyfilters compare-zoo` reads of every network."""

    name = "filterdb_zoo"
    caption = "Sparsity and entropy of all layers by depth, and the networks in the basis of all filters."
    data = True

    def settings(self, study: Study) -> dict[str, Any]:
        return super().settings(study) | study.analysis.model_dump(include={"precision", "sparse", "sparse_share"})


class FilterReproducibility(FilterFigure):
    """Accuracy of the low-resolution networks and drift over their seeds, beside drift between networks and sets.

    Networks with less than `min_filters` are left out. `draws`: how often the drift by chance is drawn.
    """

    name = "filterdb_reproducibility"
    caption = "Drift over the seeds of a network, beside that between networks and sets."

    min_filters: PositiveInt = 1000
    draws: PositiveInt = 50

    def check(self, study: Study) -> None:
        super().check(study)
        if not study.zoo.lowres or not study.lowres.reproducibility:
            raise ValueError(": no low-resolution network of several seeds; set `zoo.lowres`, `lowres.reproducibility`")

    def inputs(self, study: Study) -> dict[str, Job]:
        counted = histograms(study)
        roles = {"basis": basis(study)}
        for name, job in lowres(study).items():
            roles |= {f"network/{name}": job, f"histograms/{name}": counted[f"lowres-{name}"]}
        return roles

    def settings(self, study: Study) -> dict[str, Any]:
        section = study.lowres
        order = [
            [f"{dataset}-{network}-seed{seed}", dataset, network]
            for dataset, network in section.pairs
            for seed in section.seeds_of(dataset, network)
        ]
        return super().settings(study) | study.analysis.model_dump(include={"floor", "epsilon"}) | {"networks": order}
