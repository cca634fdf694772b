"""What a study makes: a table or a figure declares itself here once, and everything else follows from that.

The rules, `keyfilters render`, the sections of `config.yaml`, the check of `dvc.yaml`, the report and the list in the
docs are all made from `OUTPUTS`. A declaration imports nothing that draws: every job reads the declarations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from keyfilters.config.base import Settings
from keyfilters.store.identity import Job

if TYPE_CHECKING:
    from keyfilters.study.study import Study

Kind = Literal["table", "figure"]
Reads = Literal["cells", "artifacts", "filters"]

OUTPUTS: dict[str, type[Output]] = {}
"""Every table and figure by name, as their modules were imported; `study.tables` has them in order."""


class Output(Settings):
    """One table or figure; its fields are its section of `config.yaml`.

    A subclass with a `name` of its own declares one. The module `results.<family>.<name>`, where the family is the
    module of the declaration, has a function `<name>` that draws it.
    """

    name: ClassVar[str]  # of its rule, section, module and files
    kind: ClassVar[Kind]  # its files lie in the folder `tables` or `figures`
    paper: ClassVar[str]  # the paper, or what else it belongs to: the first category of the report
    reads: ClassVar[Reads]  # `filters`: tables of a set of filters, and artifacts
    caption: ClassVar[str]  # one sentence, what it shows
    comparison: ClassVar[bool] = False  # whether our numbers stand beside the paper's in `<name>.paper.csv`
    data: ClassVar[bool] = False  # whether a command reads of it what is in `<name>.parquet`
    memory_mb: ClassVar[int] = 2000
    minutes: ClassVar[int] = 5  # time limit on a cluster

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        if "name" in cls.__dict__:
            if cls.name in OUTPUTS:
                raise TypeError(f"two declarations of {cls.name}: {OUTPUTS[cls.name].__module__} and {cls.__module__}")
            OUTPUTS[cls.name] = cls

    @classmethod
    def module(cls) -> str:
        """The name of the module that draws it."""
        return f"keyfilters.results.{cls.__module__.rpartition('.')[2]}.{cls.name}"

    def check(self, study: Study) -> None:
        """Raises ValueError, whose text begins with the field, if something that it names is not the study's."""

    def inputs(self, study: Study) -> dict[str, Job]:
        """What it is made from, by name: cells, artifacts, or the tables of a set of filters."""
        raise NotImplementedError

    def full_inputs(self, study: Study) -> dict[str, Job]:
        """Its inputs by their names in the whole study: a cell `<table>/<cell>` is the table's own unless its name says
        whose it is."""
        return {name if "/" in name else f"{self.name}/{name}": job for name, job in self.inputs(study).items()}

    def settings(self, study: Study) -> dict[str, Any]:
        """What decides it beside its inputs."""
        raise NotImplementedError
