"""The moving average, gradients in several passes and their longest norm; off, they are not in a key."""

import pytest
import torch

from keyfilters.config.training import Training
from keyfilters.store import artifacts
from keyfilters.training import loop
from keyfilters.training.train import train
from tests.helpers.tiny_jobs import training_job


def recipe(**training):
    return Training(epochs=1, warmup_epochs=0, batch_size=8, learning_rate=1, **training)


def gradients(**training):
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 3))
    inputs, labels = torch.randn(7, 3, 2, 2), torch.tensor([0, 1, 2, 0, 1, 2, 2])
    loss, _ = loop.backward(network, inputs, labels, recipe(**training))
    return float(loss), network[1].weight.grad


def test_several_passes_give_the_gradient_of_one():
    loss, gradient = gradients()
    other, parts = gradients(micro_batch=3)
    assert other == pytest.approx(loss)
    assert torch.allclose(parts, gradient, atol=1e-6)


def test_a_long_gradient_is_shortened():
    _, gradient = gradients()
    _, clipped = gradients(clip_norm=0.01)
    assert gradient.norm() > 0.01 > clipped.norm()


def test_the_average_of_the_weights_is_what_is_tested(tmp_path):
    plain = training_job(tmp_path, epochs=15)
    averaged = training_job(tmp_path, epochs=15, ema=0.9999)  # of 45 steps nothing arrives there
    facts = []
    for job in (plain, averaged):
        train(job.description, tmp_path, threads=1)
        facts.append(artifacts.read(tmp_path, job.folder).facts)
    assert facts[0]["losses"] == facts[1]["losses"]
    assert facts[0]["accuracy"] > 0.9
    assert facts[1]["accuracy"] < 0.7


def test_the_whole_recipe_trains(tmp_path):
    augmentation = {"flip": True, "crop": {"area": [0.5, 1]}, "rand_augment": {"magnitude": 5}, "erasing": 0.25}
    job = training_job(tmp_path, augmentation=augmentation, mixup=0.8, cutmix=1.0, ema=0.5, clip_norm=5, micro_batch=3)
    train(job.description, tmp_path, threads=1)
    first = artifacts.read(tmp_path, job.folder).facts
    train(job.description, tmp_path, threads=1)
    assert artifacts.read(tmp_path, job.folder).facts["losses"] == first["losses"]


def test_what_is_off_is_not_in_a_key():
    fields = recipe().key_fields
    assert set(fields) == Training.ORIGINAL_FIELDS
    assert set(fields["augmentation"]) == {"flip", "shift"}
    rand_augment = {"magnitude": 9}
    fields = recipe(augmentation={"rand_augment": rand_augment}).key_fields["augmentation"]["rand_augment"]
    assert fields == {"operations": 2, "magnitude": 9, "deviation": 0, "probability": 1, "group": 1}
