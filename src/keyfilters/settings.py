"""The sections of `config.yaml` as typed, checked objects."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

from keyfilters.models import ARCHITECTURES

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
Share = Annotated[float, Field(ge=0, le=1)]
PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]

MODEL = "model"  # what tables call the study's own model


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


class Recipe(Settings):
    """Settings of a training. `ALWAYS_TOLD`: the fields that its key has had from the beginning."""

    ALWAYS_TOLD: ClassVar[frozenset[str]]

    @property
    def told(self) -> dict[str, Any]:
        """What a key says, as JSON types: a field that was added later only where it is not as by default, so that
        the keys of what was trained before stay.
        """
        fields = type(self).model_fields
        names = {name for name, value in self if name in self.ALWAYS_TOLD or value != fields[name].get_default()}
        nested = {name: value.told for name, value in self if name in names and isinstance(value, Recipe)}
        return self.model_dump(mode="json", include=names) | nested


class Augmentation(Recipe):
    """Random changes of a training picture; what is left out is off."""

    ALWAYS_TOLD = frozenset({"flip", "shift"})

    flip: bool = False
    shift: Annotated[int, Field(ge=0)] = 0  # pixels, in each direction


class Training(Recipe):
    """One recipe: AdamW, linear warm-up, then cosine to zero, per step.

    `precision`: of the network's products; weights, sums and loss stay float32. `compile`: by torch.compile.
    """

    ALWAYS_TOLD = frozenset(
        {
            "epochs",
            "batch_size",
            "learning_rate",
            "weight_decay",
            "warmup_epochs",
            "label_smoothing",
            "augmentation",
        }
    )

    epochs: PositiveInt
    batch_size: PositiveInt
    learning_rate: PositiveFloat
    weight_decay: Annotated[float, Field(ge=0)] = 0.05
    warmup_epochs: Annotated[float, Field(ge=0)] = 1
    label_smoothing: Share = 0.1
    augmentation: Augmentation = Augmentation()
    precision: Literal["float32", "bf16"] = "float32"
    compile: bool = False

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
    """An architecture with its arguments; what is left out is the architecture's default."""

    architecture: str
    depths: tuple[PositiveInt, ...] | None = None
    dims: tuple[PositiveInt, ...] | None = None
    base_dim: PositiveInt | None = None
    layers: tuple[PositiveInt, ...] | None = None
    channels: tuple[PositiveInt, ...] | None = None
    width: PositiveFloat | None = None
    patch_size: PositiveInt | None = None
    map_size: PositiveInt | None = None
    kernel_sizes: tuple[PositiveInt, ...] | None = None
    orders: tuple[PositiveInt, ...] | None = None
    scale: PositiveFloat | None = None
    conv_mlp: bool | None = None
    ls_init_value: PositiveFloat | None = None
    drop_path_rate: Share | None = None

    @model_validator(mode="after")
    def _known(self) -> Model:
        if self.architecture not in ARCHITECTURES:
            known = ", ".join(ARCHITECTURES)
            raise ValueError(f"unknown architecture {self.architecture!r}, expected one of: {known}")
        known = ARCHITECTURES[self.architecture]
        for argument in self.arguments:
            if argument not in known:
                raise ValueError(f"{self.architecture} has no {argument!r}, expected one of: {', '.join(known)}")
        return self

    @property
    def told(self) -> dict[str, Any]:
        """What a key and a result say of it: what is given, as JSON types."""
        return self.model_dump(mode="json", exclude_none=True)

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments that are given, without the architecture."""
        return {name: value for name, value in self.told.items() if name != "architecture"}


class Choices(Settings):
    """Where *The Master Key Filters Hypothesis* is silent about a transfer: ours, and printed with results.

    `bias` of a transferred filter: `trained` from its own random start, or `copied` and frozen with it.
    Normalisation, layer scale and all else are always trained.
    `kernel_size`: kernels of another size are an error (`refuse`), or cropped or padded with zeros around
    their centre (`fit`).
    `projections` of shortcuts are no layers of their own: `transferred` with the layer whose feature map they
    read, or `trained`.
    """

    bias: Literal["trained", "copied"] = "trained"
    kernel_size: Literal["refuse", "fit"] = "refuse"
    projections: Literal["transferred", "trained"] = "transferred"

    @property
    def told(self) -> dict[str, Any]:
        """What a key and a result say of them: the bias, and what is not as by default."""
        return {"bias": self.bias, **self.model_dump(exclude_defaults=True)}


class Transfer(Choices):
    """What a transfer is: which filters go where, and what becomes of them.

    `layers`: the layers whose filters are transferred, always in the order of execution.
    `first`: only the first n of these layers in the target (Figures 2 and 4); None is all.
    `arrangement`: `in place`, layer i to layer i; `stacked`, the source's filters end to end, dealt to the
    target layer by layer, from their beginning again when they run out (Tables 3 and 4); `shuffled`, as
    stacked, then permuted across all of the target's layers; `repeated`, as stacked, from the source's first
    `repeat_first` layers alone (both Table 1).
    `frozen`: False trains the transferred filters along (AnB+ and BnB+ of Yosinski et al. 2014).
    """

    layers: Literal["depthwise", "pointwise", "convolutions"] = "depthwise"
    first: PositiveInt | None = None
    arrangement: Literal["in place", "stacked", "shuffled", "repeated"] = "in place"
    repeat_first: PositiveInt = 3
    frozen: bool = True

    @property
    def told(self) -> dict[str, Any]:
        return {"layers": self.layers, **super().told}


class Dataset(Settings):
    """One set of pictures: carried by a package or a tar of class folders; or some of such a set's classes.

    `set`: the package set where it is not the entry's own name. `classes`: these alone; None is all.
    `title`: for people, where it is not the source's.
    """

    source: Literal["package", "archive"] = "package"
    set: Name | None = None
    classes: Annotated[tuple[str, ...], Field(min_length=2)] | None = None
    title: str | None = None
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
