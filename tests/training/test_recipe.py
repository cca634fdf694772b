"""The recipe of the low-resolution networks: optimiser, schedule, borders, its flaws, and weights along the way."""

import signal

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from keyfilters.config.training import Augmentation, Training
from keyfilters.datasets import batches
from keyfilters.errors import KeyfiltersError
from keyfilters.models.build import build
from keyfilters.running.meter import Meter
from keyfilters.running.progress import Progress
from keyfilters.store import artifacts
from keyfilters.store.identity import Job
from keyfilters.training import checkpoint, loop, recipe, state
from keyfilters.training.epochs import Formation, weights_of
from keyfilters.training.train import train
from keyfilters.training.weights import WEIGHTS, weights_after
from tests.helpers.tiny_jobs import prepared_job, training_job

NETWORK = {"architecture": "lowres_resnet9", "width": 1 / 16}
RECIPE = {
    "epochs": 4,
    "batch_size": 5,
    "optimiser": "sgd",
    "learning_rate": 0.01,
    "min_learning_rate": 1e-8,
    "weight_decay": 0.01,
    "warmup_epochs": 1.2,
    "label_smoothing": 0,
    "augmentation": {"shift": 4, "fill": "zeros", "flip": True},
}


def job(root, seed=0, checkpoints=(), model=NETWORK, **training):
    """A low-resolution network on 24 images for training and 9 for testing."""
    plain = training_job(root, seed=seed)
    settings = {"model": model, "training": RECIPE | training, "seed": seed}
    return Job("train", plain.name, settings | ({"checkpoints": checkpoints} if checkpoints else {}), plain.inputs)


def trained(root, **settings):
    training = job(root, **settings)
    train(training.description, root, threads=1)
    return artifacts.read(root, training.folder)


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_the_schedule_is_a_line_and_a_cosine_between_the_same_smallest_rate():
    """As PyTorch's own LinearLR and CosineAnnealingLR give them, one after the other."""
    steps, warmup, peak, least = 100, 30, 1e-2, 1e-8
    weight = torch.nn.Parameter(torch.zeros(1))

    def rates(make, count):
        optimizer = torch.optim.SGD([weight], lr=peak)
        schedule, learning_rates = make(optimizer), []
        for _ in range(count):
            learning_rates.append(schedule.get_last_lr()[0])
            optimizer.step()
            schedule.step()
        return learning_rates

    line = rates(
        lambda optimizer: torch.optim.lr_scheduler.LinearLR(optimizer, least / peak, total_iters=warmup - 1), warmup
    )
    cosine = rates(
        lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps - warmup, least),
        steps - warmup + 1,
    )
    ours = [peak * recipe.between(least / peak, step, steps, warmup) for step in range(steps + 1)]
    assert ours == pytest.approx(line + cosine, rel=1e-6)
    assert (ours[0], ours[warmup - 1], ours[warmup], ours[steps]) == pytest.approx((least, peak, peak, least))


@pytest.mark.parametrize(("drop_last", "per_epoch"), [(False, 5), (True, 4)])
def test_thirty_percent_of_all_steps_warm_up(drop_last, per_epoch):
    training = Training(**RECIPE | {"epochs": 100, "warmup_epochs": 30, "drop_last": drop_last})
    factor = state.schedule(training, images=24)
    steps, warmup = 100 * per_epoch, 30 * per_epoch
    assert [factor(step) for step in (warmup - 1, warmup)] == [1, 1]
    assert factor(warmup - 2) < 1
    assert factor(warmup + 1) < 1
    assert factor(0) == factor(steps) == pytest.approx(1e-6)


def test_without_a_smallest_rate_the_schedule_is_the_loops_own():
    factor = state.schedule(Training(epochs=4, batch_size=5, learning_rate=0.1), images=24)
    assert factor(3) == state.learning_rate_factor(3, steps=20, warmup=5)


def test_sgd_is_nesterovs_and_decays_everything_that_trains():
    network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 2))
    network[0].weight.requires_grad_(False)
    optimizer = state.optimiser(network, Training(**RECIPE))
    (group,) = optimizer.param_groups
    assert isinstance(optimizer, torch.optim.SGD)
    assert len(group["params"]) == 5
    options = {name: group[name] for name in ("lr", "momentum", "weight_decay", "nesterov", "dampening")}
    assert options == {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.01, "nesterov": True, "dampening": 0}


def test_a_shift_with_zeros_is_a_crop_of_the_padded_image():
    images = torch.randint(1, 256, (50, 6, 7, 3), dtype=torch.uint8)
    shifted = batches.augment(images, Augmentation(shift=2, fill="zeros"), torch.Generator().manual_seed(0))
    draws = torch.Generator().manual_seed(0)
    down, right = (torch.randint(-2, 3, (50, 1), generator=draws).flatten().tolist() for _ in range(2))
    padded = np.pad(images.numpy(), ((0, 0), (2, 2), (2, 2), (0, 0)))
    for index, (y, x) in enumerate(zip(down, right, strict=True)):
        assert np.array_equal(shifted[index], padded[index, 2 + y : 8 + y, 2 + x : 9 + x])
    assert {(y, x) for y, x in zip(down, right, strict=True)} >= {(0, 0), (2, -2)}


def test_a_shift_with_edge_pixels_leaves_no_black():
    images = torch.full((50, 6, 6, 3), 9, dtype=torch.uint8)
    assert (batches.augment(images, Augmentation(shift=2), torch.Generator()) == 9).all()


def test_two_runs_of_one_seed_are_equal_and_of_two_are_not(tmp_path):
    first, again, other = trained(tmp_path / "a"), trained(tmp_path / "b"), trained(tmp_path / "c", seed=1)
    assert (first.path / WEIGHTS).read_bytes() == (again.path / WEIGHTS).read_bytes()
    assert (first.path / WEIGHTS).read_bytes() != (other.path / WEIGHTS).read_bytes()


@pytest.mark.parametrize(("drop_last", "seen", "tested"), [(False, 24, 9), (True, 20, 5)])
def test_drop_last_leaves_out_what_fills_no_batch_in_training_and_test(tmp_path, monkeypatch, drop_last, seen, tested):
    counts, advance = [], Progress.advance
    monkeypatch.setattr(Progress, "advance", lambda self, images: (counts.append(images), advance(self, images)))
    artifact = trained(tmp_path, drop_last=drop_last)
    assert sum(counts) == 4 * seen
    assert (set(counts) == {5}) == drop_last
    assert artifact.facts["dataset"]["test"] == tested
    assert (artifact.facts["accuracy"] * tested) % 1 == pytest.approx(0)
    assert artifact.facts["dataset"]["train"] == 24


def test_drop_last_of_a_set_that_fills_no_batch_is_an_error(tmp_path):
    with pytest.raises(KeyfiltersError, match="drop_last: stripes has 24 training and 9 test images") as caught:
        trained(tmp_path, drop_last=True, batch_size=10)
    assert "\n" not in str(caught.value)


def test_best_on_test_keeps_the_first_epoch_that_tests_best(tmp_path, monkeypatch):
    right = iter([torch.arange(10) < count for count in (2, 9, 9, 1)])
    monkeypatch.setattr(loop, "correct", lambda network, *_: (network.eval(), next(right))[1])
    artifact = trained(tmp_path, best_on_test=True, checkpoints=[2, 3])
    assert (artifact.facts["accuracy"], artifact.facts["best_epoch"]) == (0.9, 2)
    kept, second, third = (load_file(artifact.path / file) for file in (WEIGHTS, weights_after(2), weights_after(3)))
    assert same(kept, second)
    assert not same(kept, third)


def test_testing_after_each_epoch_changes_nothing_in_the_training(tmp_path):
    plain, tested = (trained(tmp_path / str(best), best_on_test=best, checkpoints=[4]) for best in (False, True))
    assert plain.facts["losses"] == tested.facts["losses"]
    assert same(*(load_file(artifact.path / weights_after(4)) for artifact in (plain, tested)))
    assert "best_epoch" not in plain.facts


def test_checkpoints_are_what_a_run_that_is_stopped_there_has(tmp_path):
    class Stopped(Exception):
        pass

    class Stop(Formation):
        def __init__(self):
            super().__init__(None, ())

        def after_epoch(self, number):
            if number == 2:
                raise Stopped

    artifact = trained(tmp_path, checkpoints=[0, 2, 4])
    assert sorted(artifact.manifest["files"]) == [weights_after(epoch) for epoch in (0, 2, 4)] + [WEIGHTS]
    torch.manual_seed(0)
    network = build(NETWORK, classes=3).to(memory_format=torch.channels_last)
    assert same(load_file(artifact.path / weights_after(0)), weights_of(network))
    prepared = artifacts.read(tmp_path, prepared_job(tmp_path, "stripes").folder)
    split, _ = batches.load(prepared.path, torch.device("cpu"))
    normalise = batches.Normalise(prepared.facts["mean"], prepared.facts["std"], torch.device("cpu"))
    generator = torch.Generator().manual_seed(0)
    with (
        Progress("stopped", 4, len(split)) as progress,
        checkpoint.Checkpoint(tmp_path / "none", tmp_path, Meter()) as resumed,
        pytest.raises(Stopped),
    ):
        loop.fit(network, split, normalise, Training(**RECIPE), generator, progress, resumed, {"stop": Stop()})
    assert same(load_file(artifact.path / weights_after(2)), weights_of(network))
    assert same(load_file(artifact.path / weights_after(4)), load_file(artifact.path / WEIGHTS))


def test_a_training_without_checkpoints_has_one_file_of_weights(tmp_path):
    assert list(trained(tmp_path).manifest["files"]) == [WEIGHTS]


def test_a_network_of_one_channel_refuses_coloured_images(tmp_path):
    with pytest.raises(KeyfiltersError, match=r"lowres\.grey: stripes has coloured images"):
        trained(tmp_path, model=NETWORK | {"in_channels": 1})
    assert not list(tmp_path.glob("train/*"))


@pytest.mark.parametrize("at", [2, 5, 13, 20])  # in the first epoch, its last step, in the third, the very last step
def test_a_stopped_training_goes_on_with_what_it_had_kept(tmp_path, monkeypatch, at):
    settings = {"checkpoints": [0, 2, 3], "best_on_test": True}
    whole = trained(tmp_path / "whole", **settings)
    add, steps = state.State.add, iter(range(1, at))

    def stop(training_state, *step):
        add(training_state, *step)
        if next(steps, None) is None:
            monkeypatch.setattr(state.State, "add", add)
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(state.State, "add", stop)
    with pytest.raises(checkpoint.Stopped):
        trained(tmp_path / "stopped", **settings)
    resumed = trained(tmp_path / "stopped", **settings)
    assert resumed.manifest["files"] == whole.manifest["files"]
    assert len(resumed.manifest["files"]) == 4
    assert {name: resumed.facts[name] for name in ("losses", "accuracy", "best_epoch")} == {
        name: whole.facts[name] for name in ("losses", "accuracy", "best_epoch")
    }
