"""What the recipe of ConvNeXt does to a batch, on the device that trains: crops, RandAugment, erasing, mixing.

The libraries draw from global generators; here these are set from the training's own for each batch, so that a batch
follows from it alone, and are left as they were.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import keyfilters.models.torchvision_ops  # noqa: F401  (before torchvision and timm)

# isort: split
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from keyfilters.config.training import Crop, RandAugment, Training
from keyfilters.datasets.batches import Normalise, augment

_LEVELS = 100  # steps into which RandAugment's magnitudes from 0 to 10 are divided


def augmented(
    images: Tensor, labels: Tensor, training: Training, classes: int, normalise: Normalise, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """A batch, uint8 `[B, H, W, 3]` and int64 `[B]`, as the network gets it: inputs float32 `[B, 3, H, W]`, and
    labels, or shares of the classes float32 `[B, classes]` where the recipe mixes images."""
    recipe = training.augmentation
    images = augment(images, recipe, generator)
    if not (recipe.crop or recipe.rand_augment or recipe.erasing or training.mixup or training.cutmix):
        return normalise(images), labels
    with _drawn_from(generator):
        if recipe.crop:
            images = cropped(images, recipe.crop)
        if recipe.rand_augment:
            images = rand_augmented(images, recipe.rand_augment)
        inputs = normalise(images)
        if recipe.erasing:
            inputs = erased(inputs, recipe.erasing)
        if training.mixup or training.cutmix:
            return mixed(inputs, labels, classes, training.mixup, training.cutmix)
    return inputs, labels


@contextmanager
def _drawn_from(generator: torch.Generator) -> Iterator[None]:
    """Global generators of torch and Python that follow from the next draw of `generator`."""
    seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
    devices = [generator.device] if generator.device.type == "cuda" else []
    outside = random.getstate()
    try:
        with torch.random.fork_rng(devices):
            torch.manual_seed(seed)
            random.seed(seed)
            yield
    finally:
        random.setstate(outside)


def cropped(images: Tensor, crop: Crop) -> Tensor:
    """A random part of each image uint8 `[B, H, W, 3]`, enlarged to its whole size: Szegedy et al. 2015.

    Share of the area uniform, aspect ratio log-uniform; a part that is longer than the image is cut to it.
    """
    count = len(images)
    area = torch.empty(count).uniform_(*crop.area)
    ratio = torch.empty(count).uniform_(*torch.tensor(crop.ratio).log().tolist()).exp()
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = width, height
    theta[:, 0, 2] = (1 - width) * torch.empty(count).uniform_(-1, 1)
    theta[:, 1, 2] = (1 - height) * torch.empty(count).uniform_(-1, 1)
    pixels = images.permute(0, 3, 1, 2).float()
    grid = affine_grid(theta.to(images.device), list(pixels.shape), align_corners=False)
    parts = grid_sample(pixels, grid, mode="bicubic", padding_mode="reflection", align_corners=False)
    return parts.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def rand_augmented(images: Tensor, settings: RandAugment) -> Tensor:
    """Random operations on groups of images uint8 `[B, H, W, 3]`: Cubuk et al. 2020, torchvision's operations.

    timm's configuration `rand-m9-mstd0.5-inc1` draws anew for each image, an operation with probability 0.5, and
    knows Invert and SolarizeAdd beside torchvision's, which has Identity.
    """
    from torchvision.transforms import v2

    groups = []
    for group in images.permute(0, 3, 1, 2).split(settings.group):
        operations = int((torch.rand(settings.operations) < settings.probability).sum())
        magnitude = (
            float(torch.normal(settings.magnitude, settings.deviation, ()))
            if settings.deviation
            else (settings.magnitude)
        )
        level = round(_LEVELS / 10 * min(max(magnitude, 0), 10))
        transform = v2.RandAugment(operations, level, _LEVELS + 1, interpolation="bilinear")
        groups.append(transform(group.contiguous()))
    return torch.cat(groups).permute(0, 2, 3, 1)


def erased(inputs: Tensor, probability: float) -> Tensor:
    """Noise in a random rectangle of some normalised images `[B, 3, H, W]`: Zhong et al. 2020, timm's."""
    from timm.data.random_erasing import RandomErasing

    return RandomErasing(probability, mode="pixel", device=inputs.device)(inputs)


def mixed(inputs: Tensor, labels: Tensor, classes: int, mixup: float, cutmix: float) -> tuple[Tensor, Tensor]:
    """Each image `[B, 3, H, W]` mixed with its neighbour, and so its label: mixup (Zhang et al. 2018) or CutMix (Yun
    et al. 2019) by chance where both have an alpha above 0. Targets float32 `[B, classes]`."""
    from torchvision.transforms import v2

    kinds = [v2.MixUp(alpha=mixup, num_classes=classes)] if mixup else []
    kinds += [v2.CutMix(alpha=cutmix, num_classes=classes)] if cutmix else []
    return v2.RandomChoice(kinds)(inputs, labels)
