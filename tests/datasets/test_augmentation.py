"""Augmentation of the papers' recipe: what it changes, by how much, and that a batch follows from the generator."""

import random

import pytest
import torch

from keyfilters.config.training import Crop, RandAugment, Training
from keyfilters.datasets.augmentation import augmented, cropped, erased, mixed, rand_augmented
from keyfilters.datasets.batches import Normalise

CLASSES = 4
NORMALISE = Normalise([0.5, 0.5, 0.5], [0.25, 0.25, 0.25], torch.device("cpu"))


def images(count=16, size=24):
    random = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, size, size, 3), generator=random, dtype=torch.uint8)


def gradient(count=200, size=32):
    """Images whose pixels tell their row and column."""
    line = torch.linspace(0, 248, size)
    rows, columns = line[:, None].expand(size, size), line.expand(size, size)
    return torch.stack([rows, columns, rows], -1).round().to(torch.uint8).expand(count, -1, -1, -1)


def recipe(augmentation=None, **training):
    return Training(
        epochs=1, warmup_epochs=0, batch_size=8, learning_rate=1, augmentation=augmentation or {}, **training
    )


def batch(training, seed=0):
    labels = torch.arange(16) % CLASSES
    return augmented(images(), labels, training, CLASSES, NORMALISE, torch.Generator().manual_seed(seed))


FULL = recipe(
    {
        "flip": True,
        "crop": {"area": [0.2, 1]},
        "rand_augment": {"magnitude": 9, "deviation": 0.5, "probability": 0.5, "group": 4},
        "erasing": 0.25,
    },
    mixup=0.8,
    cutmix=1.0,
)


def test_a_batch_follows_from_the_generator_and_leaves_the_global_ones_alone():
    torch.manual_seed(1)
    random.seed(1)
    before = torch.get_rng_state(), random.getstate()
    inputs, targets = batch(FULL)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]
    torch.manual_seed(2)
    again = batch(FULL)
    assert torch.equal(again[0], inputs)
    assert torch.equal(again[1], targets)
    assert not torch.equal(batch(FULL, seed=1)[0], inputs)
    assert inputs.shape == (16, 3, 24, 24)


def test_what_is_off_changes_nothing_and_draws_nothing():
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    inputs, targets = augmented(images(), torch.arange(16), recipe(), 16, NORMALISE, generator)
    assert torch.equal(inputs, NORMALISE(images()))
    assert torch.equal(targets, torch.arange(16))
    assert torch.equal(generator.get_state(), before)


def test_a_crop_of_the_whole_image_is_the_image():
    whole = Crop(area=(1, 1), ratio=(1, 1))
    assert torch.equal(cropped(images(), whole), images())


def test_crops_have_the_area_that_is_asked_for_and_lie_anywhere():
    torch.manual_seed(0)
    parts = cropped(gradient(), Crop(area=(0.25, 0.25), ratio=(0.5, 2))).float()
    inner = parts[:, 4:-4, 4:-4]  # bicubic rows near the edges bend
    height = (inner[:, -1, :, 0] - inner[:, 0, :, 0]).mean(1) / (23 * 8)
    width = (inner[:, :, -1, 1] - inner[:, :, 0, 1]).mean(1) / (23 * 8)
    assert (height * width).tolist() == pytest.approx([0.25] * 200, rel=0.05)
    assert 0.9 < float((width / height).min() * (width / height).max()) < 1.1
    centres = parts[:, 16, 16, 0] / 248
    assert centres.min() < 0.4 < 0.6 < centres.max()


def test_rand_augment_draws_for_each_group_and_stronger_is_further_away():
    torch.manual_seed(0)
    same = gradient(32)
    groups = rand_augmented(same, RandAugment(magnitude=9, operations=3, group=8)).reshape(4, 8, -1)
    assert all(torch.equal(group, group[:1].expand_as(group)) for group in groups)
    assert len({tuple(group[0].tolist()) for group in groups}) > 1
    assert torch.equal(rand_augmented(same, RandAugment(magnitude=9, probability=0)), same)

    def distance(magnitude):
        torch.manual_seed(0)
        return (rand_augmented(gradient(64), RandAugment(magnitude=magnitude)).float() - gradient(64)).abs().mean()

    assert distance(9) > 2 * distance(1)


def test_erasing_takes_its_share_of_the_images():
    random.seed(0)
    inputs = torch.full((400, 3, 16, 16), 9.0)
    changed = (erased(inputs.clone(), 0.25) != inputs).flatten(1)
    assert 0.15 < changed.any(1).float().mean() < 0.35
    shares = changed[changed.any(1)].float().mean(1)
    assert shares.max() < 0.45


@pytest.mark.parametrize(("mixup", "cutmix"), [(0.8, 0), (0, 1.0), (0.8, 1.0)])
def test_targets_are_mixed_as_the_images_are(mixup, cutmix):
    torch.manual_seed(0)
    labels = torch.arange(8)
    inputs = labels[:, None, None, None].expand(8, 3, 32, 32).float()
    for _ in range(5):
        images, targets = mixed(inputs.clone(), labels, 8, mixup, cutmix)
        assert targets.sum(1).tolist() == pytest.approx([1] * 8)
        # The mean pixel is the mean label under the target's shares.
        assert images.mean((1, 2, 3)).tolist() == pytest.approx((targets @ labels.float()).tolist(), abs=1e-4)
