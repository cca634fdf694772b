"""How a network is trained: the sections `training` and `training_of`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, create_model, model_validator

from keyfilters.config.base import PositiveFloat, PositiveInt, Recipe, Settings, Share


class Crop(Settings):
    """A random part of each image."""

    area: tuple[Annotated[Share, Field(gt=0)], Annotated[Share, Field(gt=0)]]
    """Range of its share of the image's area."""
    ratio: tuple[PositiveFloat, PositiveFloat] = (3 / 4, 4 / 3)
    """Range of its width by height."""


class RandAugment(Settings):
    """Random operations on each image, one after the other."""

    operations: PositiveInt = 2
    """How many."""
    magnitude: Annotated[float, Field(ge=0, le=10)]
    """Of each operation, from 0 to 10."""
    deviation: Annotated[float, Field(ge=0)] = 0
    """Standard deviation of the magnitude, normal."""
    probability: Share = 1
    """That an operation takes place."""
    group: PositiveInt = 1
    """Images of a batch that share their draws."""


class Augmentation(Recipe):
    """Random changes of a training image; what is left out is off."""

    ORIGINAL_FIELDS = frozenset({"flip", "shift"})

    flip: bool = False
    """Mirror half of the images, left to right."""
    shift: Annotated[int, Field(ge=0)] = 0
    """Pixels, at most, in each direction."""
    fill: Literal["edge", "zeros"] = "edge"
    """What a shift leaves free: the nearest pixels, or black."""
    crop: Crop | None = None
    """A random part, enlarged to the whole."""
    rand_augment: RandAugment | None = None
    """Random operations."""
    erasing: Share = 0
    """Probability that a rectangle becomes noise."""


class Training(Recipe):
    """One recipe: linear warm-up, then cosine, per step."""

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
    """Passes over the training images."""
    batch_size: PositiveInt
    """Images of a step."""
    learning_rate: PositiveFloat
    """At its highest, after the warm-up."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.05
    """Of weights with two or more dimensions; with `sgd` of all weights, biases and norms too."""
    warmup_epochs: Annotated[float, Field(ge=0)] = 1
    """Epochs until the learning rate is at its highest."""
    label_smoothing: Share = 0.1
    """Share of the label that is spread over all classes."""
    augmentation: Augmentation = Augmentation()
    """Random changes of the training images."""
    optimiser: Literal["adamw", "sgd"] = "adamw"
    """AdamW, or SGD with Nesterov's momentum."""
    momentum: Share = 0.9
    """Of SGD."""
    min_learning_rate: Annotated[float, Field(ge=0)] = 0
    """Where the warm-up begins and the cosine ends."""
    drop_last: bool = False
    """Leave out the incomplete batch, in each epoch and of the test images."""
    best_on_test: bool = False
    """Keep the weights of the epoch that tested best, which makes the test images part of the training."""
    mixup: Annotated[float, Field(ge=0)] = 0
    """Alpha of the distribution by which images are mixed; 0 is off."""
    cutmix: Annotated[float, Field(ge=0)] = 0
    """Alpha of the distribution by which rectangles are exchanged; 0 is off."""
    ema: Annotated[float, Field(ge=0, lt=1)] = 0
    """Decay of the moving average of the weights, which is then tested and kept; 0 is off."""
    clip_norm: Annotated[float, Field(ge=0)] = 0
    """The longest gradient; 0 is any."""
    micro_batch: PositiveInt | None = None
    """Images that pass the network at once; the gradients of a batch's passes add up. None is the whole batch."""
    precision: Literal["float32", "bf16"] = "float32"
    """Of the network's products; weights, sums and loss stay float32."""
    compile: bool = False
    """By torch.compile."""

    @model_validator(mode="after")
    def _warmup_ends_in_time(self) -> Training:
        if self.warmup_epochs > self.epochs:
            raise ValueError(f"warmup_epochs is {self.warmup_epochs:g}, more than {self.epochs} epochs")
        return self

    def images_per_epoch(self, images: int) -> int:
        """Of so many training images, those that an epoch sees."""
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


if TYPE_CHECKING:

    class TrainingOverrides(Settings): ...

else:
    TrainingOverrides = _all_optional(Training, "TrainingOverrides")
