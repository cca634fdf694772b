"""How a network is trained: the sections `training` and `training_of`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, create_model, model_validator

from keyfilters.config.base import PositiveFloat, PositiveInt, Recipe, Settings, Share


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

    ORIGINAL_FIELDS = frozenset({"flip", "shift"})

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

    ORIGINAL_FIELDS = frozenset(
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
