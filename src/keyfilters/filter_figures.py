"""The figures of *CNN Filter DB*: what each is made of, and its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keyfilters.jobs import Job, extracts, filterdb
from keyfilters.settings import Name, Settings

if TYPE_CHECKING:
    from keyfilters.study import Study


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


class FilterFigure8(FilterFigure):
    """Drift between tasks, visual categories, training sets and depth deciles as heat maps."""
