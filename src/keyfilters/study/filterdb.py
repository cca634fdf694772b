"""The figures of *CNN Filter DB*: what each is made of, and its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from keyfilters.config.base import Name, PositiveFloat, PositiveInt, Settings
from keyfilters.store.identity import Job
from keyfilters.study.jobs import extracts, filterdb

if TYPE_CHECKING:
    from keyfilters.study.study import Study


class FilterFigure(Settings):
    """A figure of the filters of the zoo that are of one of the `sets` of the study's analysis.

    As an `Experiment`: `check` finds what is wrong with it in a study, `inputs` lists what it is drawn from by role,
    `settings` what decides it beside these.
    """

    set: Name = "regular_3x3"

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


class DistributionFigure(FilterFigure):
    """One that is drawn from the set's histograms too, which the networks' own artifacts keep."""

    def inputs(self, study: Study) -> dict[str, Job]:
        return super().inputs(study) | dict(filterdb(study)[self.set].inputs)

    def settings(self, study: Study) -> dict[str, Any]:
        return super().settings(study) | dict(filterdb(study)[self.set].settings)


class FilterFigure3(DistributionFigure):
    """Densities of coefficients along the first `components`, by visual category: `groups`, or all large enough."""

    groups: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    components: PositiveInt = 9


class FilterFigure4(DistributionFigure):
    """The first two coefficients against each other, of the largest networks or layers of each phenotype.

    As many `examples` of each; `bins` in either direction, between minus and plus `limit`.
    """

    examples: PositiveInt = 2
    bins: PositiveInt = 512
    limit: PositiveFloat = 3.3


class Group(Settings):
    """One group of a grouping, by its name in the tables of drift."""

    grouping: Literal["model", "task", "visual_category", "training_set", "family", "precision", "depth_decile"]
    group: str


class FilterFigure5(DistributionFigure):
    """Bases of all filters and of some groups, the first `components`, with the explained variance."""

    groups: tuple[Group, ...] = (Group(grouping="depth_decile", group="[0.0, 0.1]"),)
    components: PositiveInt = 9


class FilterFigure6(FilterFigure):
    """Drift along each component over all pairs of networks."""


class FilterFigure8(FilterFigure):
    """Drift between tasks, visual categories, training sets and depth deciles as heat maps."""


class FilterFigure9(FilterFigure):
    """Drift between pairs of networks by depth decile: of networks for these `tasks`, of all if None."""

    tasks: Annotated[tuple[str, ...], Field(min_length=1)] | None = ("classification",)


class FilterFigure10(FilterFigure):
    """Drift between the networks whose architecture has `family` in its name."""

    family: Annotated[str, Field(min_length=1)] = "ResNet"


class FilterAblation(FilterFigure):
    """Mean drift between groups with and without degenerated layers."""
