"""The sections of `config.yaml` as typed, checked objects."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model, model_validator

from keyfilters.models import ARCHITECTURES

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
Share = Annotated[float, Field(ge=0, le=1)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]

PAPER_SETS = (
    "ImageNet",
    "Food 101",
    "Sketch",
    "CIFAR-10",
    "STL-10",
    "Oxford-IIIT Pets",
    "Oxford 102 Flowers",
)
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


class Crop(Settings):
    """A random part of each picture: the range of its share of the area, and of its width by height."""

    area: tuple[Annotated[Share, Field(gt=0)], Annotated[Share, Field(gt=0)]]
    ratio: tuple[PositiveFloat, PositiveFloat] = (3 / 4, 4 / 3)


class RandAugment(Settings):
    """`operations` in turn, each with a `probability`, of a `magnitude` from 0 to 10 with a normal `deviation`.

    `group`: so many pictures of a batch share their draws.
    """

    operations: PositiveInt = 2
    magnitude: Annotated[float, Field(ge=0, le=10)]
    deviation: Annotated[float, Field(ge=0)] = 0
    probability: Share = 1
    group: PositiveInt = 1


class Augmentation(Recipe):
    """Random changes of a training picture; what is left out is off.

    `erasing`: the probability that a rectangle becomes noise.
    """

    ALWAYS_TOLD = frozenset({"flip", "shift"})

    flip: bool = False
    shift: Annotated[int, Field(ge=0)] = 0  # pixels, in each direction
    fill: Literal["edge", "zeros"] = "edge"  # what a shift leaves free: the nearest pixels or black
    crop: Crop | None = None
    rand_augment: RandAugment | None = None
    erasing: Share = 0


class Training(Recipe):
    """One recipe: linear warm-up, then cosine, per step.

    `optimiser`: AdamW, or SGD with Nesterov's `momentum`. `min_learning_rate`: where the warm-up begins and the cosine
    ends. `drop_last`: leave out what does not fill a batch, in each epoch and of the test pictures. `best_on_test`:
    keep the weights of the epoch that tested best, which makes the test pictures part of the training.
    `mixup`, `cutmix`: alpha of the distribution by which pictures are mixed; 0 is off. `ema`: decay of the moving
    average of the weights, which is then what is tested and kept; 0 is off. `clip_norm`: the longest gradient; 0 is
    any. `micro_batch`: so many pictures pass the network at once, and the gradients of a batch's passes add up.
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
    optimiser: Literal["adamw", "sgd"] = "adamw"
    momentum: Share = 0.9
    min_learning_rate: Annotated[float, Field(ge=0)] = 0
    drop_last: bool = False
    best_on_test: bool = False
    mixup: Annotated[float, Field(ge=0)] = 0
    cutmix: Annotated[float, Field(ge=0)] = 0
    ema: Annotated[float, Field(ge=0, lt=1)] = 0
    clip_norm: Annotated[float, Field(ge=0)] = 0
    micro_batch: PositiveInt | None = None
    precision: Literal["float32", "bf16"] = "float32"
    compile: bool = False

    @model_validator(mode="after")
    def _warmup_ends_in_time(self) -> Training:
        if self.warmup_epochs > self.epochs:
            raise ValueError(f"warmup_epochs is {self.warmup_epochs:g}, more than {self.epochs} epochs")
        return self

    def images_per_epoch(self, images: int) -> int:
        """Of so many training pictures, those that an epoch sees."""
        return images // self.batch_size * self.batch_size if self.drop_last else images

    @model_validator(mode="after")
    def _best_is_what_trains(self) -> Training:
        if self.best_on_test and self.ema:
            raise ValueError("best_on_test is of the weights themselves, not of their average; leave out `ema`")
        return self

    @model_validator(mode="after")
    def _rates_are_in_order(self) -> Training:
        if self.min_learning_rate > self.learning_rate:
            raise ValueError(f"min_learning_rate is {self.min_learning_rate:g}, more than {self.learning_rate:g}")
        return self


def _all_optional(model: type[Settings], name: str) -> type[Settings]:
    """The same keys with the same checks, each of which may be left out."""
    fields = {key: (field.rebuild_annotation() | None, None) for key, field in model.model_fields.items()}
    return create_model(name, __base__=Settings, **fields)


TrainingOverrides = _all_optional(Training, "TrainingOverrides")


class Pretrained(Settings):
    """Weights that others trained: by `timm`'s name, or a checkpoint at a `path` or an `address` with this `sha256`."""

    timm: str | None = None
    path: Path | None = None
    address: Annotated[str, Field(pattern=r"^https?://")] | None = None
    sha256: Digest | None = None

    @model_validator(mode="after")
    def _says_which(self) -> Pretrained:
        if [self.timm, self.path, self.address].count(None) != 2:
            raise ValueError("expected one of `timm`, `path` and `address`")
        if (self.timm is None) != (self.sha256 is not None):
            raise ValueError("`sha256` belongs to a `path` or an `address`, which needs it")
        return self

    @property
    def told(self) -> dict[str, Any]:
        """What a key says: a name or a digest, never where a file lies."""
        return self.model_dump(include={"timm", "sha256"}, exclude_none=True)


class Model(Settings):
    """An architecture with its arguments; what is left out is the architecture's default.

    `pretrained`: by set, the weights that its base model on that set is not trained for.
    """

    architecture: str
    depths: tuple[PositiveInt, ...] | None = None
    dims: tuple[PositiveInt, ...] | None = None
    base_dim: PositiveInt | None = None
    layers: tuple[PositiveInt, ...] | None = None
    channels: tuple[PositiveInt, ...] | None = None
    width: PositiveFloat | None = None
    in_channels: Literal[1, 3] | None = None
    patch_size: PositiveInt | None = None
    map_size: PositiveInt | None = None
    kernel_sizes: tuple[PositiveInt, ...] | None = None
    orders: tuple[PositiveInt, ...] | None = None
    scale: PositiveFloat | None = None
    conv_mlp: bool | None = None
    ls_init_value: PositiveFloat | None = None
    drop_path_rate: Share | None = None
    pretrained: dict[Name, Pretrained] = Field(default_factory=dict)

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
        return self.model_dump(mode="json", exclude_none=True, exclude={"pretrained"})

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


def _listed_classes(value: Any) -> Any:
    """The classes of a list below `published/classes`, where a setting gives its name."""
    if not isinstance(value, str):
        return value
    lists = {
        file.name.removesuffix(".txt"): file for file in files("keyfilters.published").joinpath("classes").iterdir()
    }
    if value not in lists:
        raise ValueError(f"no list of classes {value!r}, expected classes or one of: {', '.join(sorted(lists))}")
    return [line for line in lists[value].read_text().splitlines() if not line.startswith("#")]


class Dataset(Settings):
    """One set of pictures, or some of such a set's classes.

    `source`: a `package` carries it; an `archive` of class folders, which lies at `path` and has this `sha256`; one
    of `torchvision`'s sets, in its root folder `path`; `domainnet`, with the published files in the folder `path`
    (of both, what is not there is fetched; the folder is in the cache when left out); `imagenet` in the original's
    layout in the user's folder `path`, where `sha256` may pin its listing of names and sizes.
    `set`: what the source calls it, where it is not the entry's own name. `classes`: these alone, or those of a list
    below `published/classes`; None is all. `title`: for people, where it is not the source's. `paper`: the set of the
    paper's tables in whose place it stands, where the title is not already that.
    """

    source: Literal["package", "archive", "torchvision", "domainnet", "imagenet"] = "package"
    set: Name | None = None
    classes: Annotated[tuple[str, ...], Field(min_length=2), BeforeValidator(_listed_classes)] | None = None
    title: str | None = None
    paper: Literal[PAPER_SETS] | None = None
    path: Path | None = None
    sha256: Digest | None = None
    train_per_class: PositiveInt | None = None
    test_per_class: PositiveInt | None = None
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    max_undecodable: Share = 0.01

    @model_validator(mode="after")
    def _has_what_its_source_needs(self) -> Dataset:
        if self.source == "archive" and None in (self.path, self.sha256):
            raise ValueError("`source: archive` needs `path` and `sha256`")
        if self.source == "imagenet" and self.path is None:
            raise ValueError("`source: imagenet` needs `path`, the folder with train/ and val/")
        if self.source == "package" and self.path:
            raise ValueError("`path` belongs to another source than `package`; set `source: archive`, say")
        if self.source not in ("archive", "imagenet") and self.sha256:
            raise ValueError(f"`sha256` belongs to another source than `{self.source}`, whose pins are its own")
        return self
