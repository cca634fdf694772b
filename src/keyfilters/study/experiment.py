"""What tables and figures made from cells have in common: checks, an order, controls, and their cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from keyfilters.config.base import MODEL, Name, PositiveInt, Seeds
from keyfilters.config.transfer import WITHOUT_SOURCE, Choices, Control
from keyfilters.store.identity import Job
from keyfilters.study.jobs import train, transfer
from keyfilters.study.output import Kind, Output, Reads

if TYPE_CHECKING:
    from keyfilters.study.study import Study

SETS = ("dataset", "datasets", "source", "sources", "target", "targets")
MODELS = ("model", "models")

Names = Annotated[tuple[Name, ...], Field(min_length=1)]
Counts = Annotated[tuple[PositiveInt, ...], Field(min_length=1)]


class Experiment(Output):
    """One of the paper's, made from cells unless it says otherwise."""

    paper = "The Master Key Filters Hypothesis"
    kind: ClassVar[Kind] = "table"
    reads: ClassVar[Reads] = "cells"

    def check(self, study: Study) -> None:
        """Raises ValueError, which begins with the field, if a set or a model is not the study's."""
        for fields, kind, known in ((SETS, "set", study.datasets), (MODELS, "model", (MODEL, *study.models))):
            for field in fields:
                value = getattr(self, field, None) or ()
                for name in (value,) if isinstance(value, str) else value:
                    if name not in known:
                        raise ValueError(f".{field}: no {kind} {name!r}, expected one of: {', '.join(known)}")

    def settings(self, study: Study) -> dict[str, Any]:
        """What the paper calls the study's sets."""
        stands_for = {name: dataset.paper for name, dataset in study.datasets.items() if dataset.paper}
        return {"paper": stands_for} if stands_for else {}


class Celled(Experiment):
    """One with cells of its own, of which single ones may have other seeds than the rest."""

    seeds_of: dict[str, Seeds] = Field(default_factory=dict)  # by the cell's name

    def check(self, study: Study) -> None:
        super().check(study)
        known = [name for name in self.inputs(study) if "/" not in name] if self.seeds_of else []
        for name in self.seeds_of.keys() - known:
            raise ValueError(f".seeds_of: no cell {name!r}, expected one of: {', '.join(known)}")

    def full_inputs(self, study: Study) -> dict[str, Job]:
        every = super().full_inputs(study)
        for cell, seeds in self.seeds_of.items():
            name = f"{self.name}/{cell}"
            if name in every:  # else `check` raises
                every[name] = super().full_inputs(_with_seeds(study, seeds))[name]
        return every


class Seeded(Celled):
    """One whose cells are all its own, so that it may have other seeds than the study."""

    seeds: Seeds | None = None  # of its trainings; the study's when left out

    def full_inputs(self, study: Study) -> dict[str, Job]:
        return super().full_inputs(self.seeded(study))

    def seeded(self, study: Study) -> Study:
        """The study with these seeds."""
        return _with_seeds(study, self.seeds) if self.seeds else study


@cache  # jobs are made once for a study
def _with_seeds(study: Study, seeds: tuple[int, ...]) -> Study:
    return study.model_copy(update={"seeds": seeds})


class Ordered(Experiment):
    """One whose inputs stand in an order of their own, which the mapping of a job does not keep."""

    def settings(self, study: Study) -> dict[str, Any]:
        return super().settings(study) | {"order": list(self.inputs(study))}


def base_cell(study: Study, dataset: str, model: str = MODEL, role: dict[str, Any] | None = None) -> Job:
    """The base model of a set; `role` is what a renderer must know of the cell beside its sets."""
    settings = {"target": dataset} | ({"role": role} if role else {})
    return cell(study, dataset, settings, partial(train, study, dataset, model=model))


def transfer_cell(study: Study, target: str, source: str | None, role: dict[str, Any] | None = None, **how: Any) -> Job:
    """A transfer; `how` it is done are the models and fields of `Transfer`."""
    choices = Choices(**study.transfer.model_dump() | {name: how[name] for name in Choices.model_fields if name in how})
    settings = {"target": target, "source": source, "choices": choices.key_fields}
    settings |= {"role": role} if role else {}
    return cell(
        study, f"{target}--{source or how['control']}", settings, partial(transfer, study, target, source, **how)
    )


class Controlled(Experiment):
    """One that has controls beside the paper's cells: ours, see `config.transfer.Control`."""

    controls: tuple[Control, ...] = ()

    def control_cells(
        self, study: Study, target: str, source: str, name: str, role: dict[str, Any], **how: Any
    ) -> dict[str, Job]:
        """A cell for each control by its name, in which `{control}` is filled; `source` is that of the controls that
        take something from one."""
        return {
            name.format(control=control): transfer_cell(
                study,
                target,
                None if control in WITHOUT_SOURCE else source,
                role | {"control": control},
                control=control,
                **how,
            )
            for control in self.controls
        }


def cell(
    study: Study, name: str, settings: dict[str, Any], training: Callable[..., Job], seeds: Iterable[int] | None = None
) -> Job:
    trainings = {f"seed{seed}": training(seed=seed) for seed in seeds or study.seeds}
    if len({job.folder for job in trainings.values()}) == 1:  # a pretrained network is one, whatever the seed
        trainings = dict(list(trainings.items())[:1])
    return Job("cell", name, settings, trainings)


def cells_of(study: Study, tables: Iterable[str]) -> dict[str, Job]:
    """The cells of other tables and figures, under the names that they have there."""
    enabled = study.tables.enabled
    return {name: job for table in tables for name, job in enabled[table].full_inputs(study).items()}
