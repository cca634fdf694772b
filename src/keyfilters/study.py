"""`config.yaml` as typed, checked objects: what a study trains, on what, and which tables it makes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, model_validator

from keyfilters.datasets import PACKAGE_SETS
from keyfilters.errors import KeyfiltersError
from keyfilters.models import ARCHITECTURES

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
Share = Annotated[float, Field(ge=0, le=1)]
PositiveInt = Annotated[int, Field(gt=0)]


class Settings(BaseModel):
    """Base of every section: unknown keys are errors, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _keys_are_known(cls, values: Any) -> Any:
        for key in values if isinstance(values, Mapping) else ():
            if key not in cls.model_fields:
                raise ValueError(f"unknown key {key!r}, expected one of: {', '.join(cls.model_fields)}")
        return values


class Augmentation(Settings):
    """Random changes of a training picture; what is left out is off."""

    flip: bool = False
    shift: Annotated[int, Field(ge=0)] = 0  # pixels, in each direction


class Training(Settings):
    """One recipe: AdamW, linear warm-up, then cosine to zero, per step."""

    epochs: PositiveInt
    batch_size: PositiveInt
    learning_rate: Annotated[float, Field(gt=0)]
    weight_decay: Annotated[float, Field(ge=0)] = 0.05
    warmup_epochs: Annotated[float, Field(ge=0)] = 1
    label_smoothing: Share = 0.1
    augmentation: Augmentation = Augmentation()

    @model_validator(mode="after")
    def _warmup_ends_in_time(self) -> Training:
        if self.warmup_epochs > self.epochs:
            raise ValueError(f"warmup_epochs is {self.warmup_epochs:g}, more than {self.epochs} epochs")
        return self


def _all_optional(model: type[Settings], name: str) -> type[Settings]:
    """The same keys with the same checks, each of which may be left out."""
    fields = {key: (field.rebuild_annotation() | None, None) for key, field in model.model_fields.items()}
    return create_model(name, __base__=Settings, **fields)


TrainingOverrides = _all_optional(Training, "TrainingOverrides")


class Model(Settings):
    """An architecture by timm's name; what is left out is timm's default for that name."""

    architecture: str
    depths: tuple[PositiveInt, ...] | None = None
    dims: tuple[PositiveInt, ...] | None = None
    patch_size: PositiveInt | None = None
    conv_mlp: bool | None = None
    ls_init_value: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _known(self) -> Model:
        if self.architecture not in ARCHITECTURES:
            known = ", ".join(ARCHITECTURES)
            raise ValueError(f"unknown architecture {self.architecture!r}, expected one of: {known}")
        return self


class Transfer(Settings):
    """Where the paper is silent about a transfer; these choices are ours and are printed with results.

    `bias`: a depthwise convolution's bias is `trained` from its own random start, or `copied` from the
    source and frozen like the weight.
    """

    bias: Literal["trained", "copied"] = "trained"


class Dataset(Settings):
    """One set of pictures: carried by a package (its name says which) or a tar of class folders."""

    source: Literal["package", "archive"] = "package"
    path: Path | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    train_per_class: PositiveInt | None = None
    test_per_class: PositiveInt | None = None
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    max_undecodable: Share = 0.01

    @model_validator(mode="after")
    def _archive_has_path_and_digest(self) -> Dataset:
        given = [value is not None for value in (self.path, self.sha256)]
        if given != [self.source == "archive"] * 2:
            raise ValueError("`path` and `sha256` belong to `source: archive`, which needs both")
        return self


class Table7(Settings):
    """Accuracy of the base models, one per set of the study."""


class Table2(Settings):
    """Depthwise filters of every source, frozen in every target; left out means every set."""

    targets: tuple[Name, ...] | None = None
    sources: tuple[Name, ...] | None = None


class Tables(Settings):
    """The tables that the study makes; a table that is left out is not made."""

    table7: Table7 | None = None
    table2: Table2 | None = None


class Study(Settings):
    """One study: same code, same tables, its own numbers.

    Every section is there, even if empty: DVC follows them one by one.
    """

    __hash__ = object.__hash__  # the object itself, so that jobs are made once for it: its dicts have no hash

    image_size: PositiveInt
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
    model: Model
    datasets: Annotated[dict[Name, Dataset], Field(min_length=1)]
    training: Training
    training_of: dict[Name, TrainingOverrides]  # what a set's own training has otherwise
    transfer: Transfer
    tables: Tables

    @model_validator(mode="after")
    def _names_are_known(self) -> Study:
        for name, dataset in self.datasets.items():
            if dataset.source == "package" and name not in PACKAGE_SETS:
                known = ", ".join(PACKAGE_SETS)
                raise ValueError(f"datasets.{name}: no package carries this set, expected one of: {known}")
        for name in self.training_of:
            if name not in self.datasets:
                raise ValueError(f"training_of: no set {name!r}, expected one of: {', '.join(self.datasets)}")
            self.recipe(name)
        if self.tables.table2:
            for side in ("targets", "sources"):
                for name in getattr(self.tables.table2, side) or ():
                    if name not in self.datasets:
                        known = ", ".join(self.datasets)
                        raise ValueError(f"tables.table2.{side}: no set {name!r}, expected one of: {known}")
            if not set(self.table2_targets) <= set(self.table2_sources):
                raise ValueError("tables.table2: every target must be a source too, for its selffer cell")
        return self

    @property
    def table2_targets(self) -> tuple[str, ...]:
        return self.tables.table2.targets or tuple(self.datasets)

    @property
    def table2_sources(self) -> tuple[str, ...]:
        return self.tables.table2.sources or tuple(self.datasets)

    def recipe(self, dataset: str) -> Training:
        """The study's training with the set's own settings laid over it."""
        own = self.training_of.get(dataset, TrainingOverrides()).model_dump(exclude_none=True)
        return Training.model_validate({**self.training.model_dump(), **own})


class Config(Settings):
    """The whole of `config.yaml`."""

    study: str
    cache: Path | None = None  # where fetched packages are kept; the user's cache folder when left out
    pull: bool = False  # fetch artifacts that DVC's remote has before the rest is made
    studies: dict[Name, Study]

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
