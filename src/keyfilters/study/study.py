"""`config.yaml` as a whole: what a study trains, on what, and which tables it makes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from keyfilters.config.analysis import Analysis
from keyfilters.config.base import MODEL, Name, PositiveInt, Seeds, Settings
from keyfilters.config.dataset import Dataset
from keyfilters.config.lowres import LowRes
from keyfilters.config.model import Model
from keyfilters.config.training import Training, TrainingOverrides
from keyfilters.config.transfer import Choices
from keyfilters.config.zoo import Zoo
from keyfilters.errors import KeyfiltersError
from keyfilters.sources import source
from keyfilters.store.identity import put_code_in_keys
from keyfilters.study import jobs
from keyfilters.study.tables import Tables


class Study(Settings):
    """One study: same code, same tables, its own numbers.

    Every section is there, even if empty: DVC follows them one by one.
    """

    __hash__ = object.__hash__  # the object itself, so that jobs are made once for it: its dicts have no hash

    image_size: PositiveInt
    """Pixels."""
    seeds: Seeds
    """Of every training."""
    model: Model
    """The study's own network."""
    models: dict[Name, Model] = Field(default_factory=dict)
    """Others, by the names that tables give."""
    datasets: Annotated[dict[Name, Dataset], Field(min_length=1)]
    """The sets by name."""
    training: Training
    """The recipe."""
    training_of: dict[Name, TrainingOverrides]
    """What a set's or one of `models`' own training has otherwise."""
    transfer: Choices
    """Choices that the paper leaves open."""
    lowres: LowRes = LowRes()
    """The low-resolution networks of CNN Filter DB."""
    tables: Tables
    """The tables and figures that the study makes."""
    zoo: Zoo
    """The networks whose filters it keeps."""
    analysis: Analysis
    """How filters are analysed."""

    @model_validator(mode="after")
    def _names_are_known(self) -> Study:
        for name in self.lowres.sets:
            if name in self.datasets:
                raise ValueError(f"lowres.sets.{name}: the study has this set; leave it out or choose another name")
        for name, dataset in self.sets.items():
            known = source(dataset.source).SETS
            if known and (dataset.set or name) not in known:
                without = "no package carries" if dataset.source == "package" else f"{dataset.source} does not have"
                raise ValueError(f"datasets.{name}: {without} this set, expected one of: {', '.join(known)}")
        for name in self.models:
            if name == MODEL or name in self.datasets:
                raise ValueError(f"models.{name}: the name is taken, choose another")
        for name in (MODEL, *self.models):
            for dataset in self.model_of(name).pretrained:
                if dataset not in self.datasets:
                    known = ", ".join(self.datasets)
                    raise ValueError(f"{name}.pretrained: no set {dataset!r}, expected one of: {known}")
        for name in self.training_of:
            if name not in (*self.datasets, *self.models):
                known = ", ".join((*self.datasets, *self.models))
                raise ValueError(f"training_of: no set {name!r}, expected one of: {known}")
        for dataset, model in product(self.datasets, (MODEL, *self.models)):
            self.recipe(dataset, model)
        for name in self.zoo.trained:
            dataset, _, model = name.partition("-")
            if dataset not in self.datasets or (model and model not in self.models):
                raise ValueError(f"zoo.trained: no base model {name!r}, expected a set, or a set-model of the study")
        for name in self.lowres.datasets:
            if name not in self.sets:
                raise ValueError(f"lowres.datasets: no set {name!r}, expected one of: {', '.join(self.sets)}")
        for name in self.analysis.basis_of or ():
            if name not in jobs.extracts(self):
                raise ValueError(f"analysis.basis_of: no network {name!r} in the study's zoo; `filters ls` lists them")
        for table, experiment in self.tables.enabled.items():
            try:
                experiment.check(self)
            except ValueError as error:
                raise ValueError(f"tables.{table}{error}") from None
        return self

    @property
    def sets(self) -> dict[str, Dataset]:
        """All sets, with those that only the low-resolution networks have."""
        return self.datasets | self.lowres.sets

    @property
    def whole_sets(self) -> tuple[str, ...]:
        """The sets that are not some classes of others: what a table has if it does not say which."""
        return tuple(name for name, dataset in self.datasets.items() if dataset.classes is None)

    def model_of(self, name: str) -> Model:
        """The model that a table calls `name`; the study's own is `model`."""
        return self.model if name == MODEL else self.models[name]

    def recipe(self, dataset: str, model: str = MODEL) -> Training:
        """The study's training with the set's own settings laid over it, and over these the model's."""
        recipe = self.training.model_dump()
        for name in (dataset, model):
            recipe |= self.training_of.get(name, TrainingOverrides()).model_dump(exclude_none=True)
        return Training.model_validate(recipe)


class Config(Settings):
    """The whole of `config.yaml`."""

    study: str
    """What `snakemake` makes."""
    cache: Path | None = None
    """Where fetched packages are kept; the user's cache folder when left out."""
    pull: bool = False
    """Fetch artifacts that DVC's remote has before the rest is made."""
    jobs_per_gpu: PositiveInt = 1
    """Trainings that share a GPU."""
    changed_code: Literal["warn", "error", "key"] = "warn"
    """What is done about artifacts whose stage's code has changed since: a warning, an error, or part of the key."""
    studies: dict[Name, Study]
    """By name."""

    @model_validator(mode="after")
    def _study_exists(self) -> Config:
        if self.study not in self.studies:
            raise ValueError(f"study: no study {self.study!r}, expected one of: {', '.join(self.studies)}")
        return self

    @property
    def current(self) -> Study:
        return self.studies[self.study]


def _one_line(error: Mapping[str, Any]) -> str:
    """One pydantic error as `key: what is wrong`."""
    key = ".".join(str(part) for part in error["loc"])
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] not in ("value_error", "missing"):
        message += f", got {error['input']!r}"
    return f"{key}: {message}" if key else message


def check(config: Mapping[str, Any]) -> Config:
    """Typed settings from the mapping that YAML gives.

    Raises KeyfiltersError with one line that names every wrong key and what was expected there.
    """
    put_code_in_keys(config.get("changed_code") == "key")
    try:
        return Config.model_validate(config)
    except ValidationError as error:
        lines = "; ".join(_one_line(e) for e in error.errors())
        raise KeyfiltersError(f"config.yaml: {lines}") from None


def load(path: Path, study: str | None = None) -> Config:
    """Read and check a `config.yaml`; `study` takes the place of the one that it names."""
    try:
        values = yaml.safe_load(path.read_text()) or {}
    except (OSError, yaml.YAMLError) as error:
        raise KeyfiltersError(f"{path}: cannot be read as YAML: {' '.join(str(error).split())}") from None
    return check({**values, "study": study} if study else values)
