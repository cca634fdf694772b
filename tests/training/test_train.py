"""Base models: reproducible bit for bit, tested once, after the last epoch."""

import json
import shutil
from itertools import pairwise

import pytest
import torch
from safetensors.torch import load_file

from keyfilters.config.training import Training
from keyfilters.errors import KeyfiltersError
from keyfilters.running import progress
from keyfilters.store import artifacts, runs
from keyfilters.store.files import sha256
from keyfilters.training import loop, state
from keyfilters.training import train as train_module
from keyfilters.training.train import train
from keyfilters.training.weights import WEIGHTS
from tests.helpers.tiny_jobs import training_job


def trained(root, **training):
    job = training_job(root, **training)
    train(job.description, root, threads=1)
    return artifacts.read(root, job.folder)


def test_two_runs_of_one_job_give_the_same_bytes(tmp_path):
    first, second = trained(tmp_path / "a"), trained(tmp_path / "b")
    assert (first.path / WEIGHTS).read_bytes() == (second.path / WEIGHTS).read_bytes()
    assert first.facts["losses"] == second.facts["losses"]


def test_another_seed_gives_another_network(tmp_path):
    assert (trained(tmp_path).path / WEIGHTS).read_bytes() != (trained(tmp_path, seed=1).path / WEIGHTS).read_bytes()


def test_stripes_are_learnt(tmp_path):
    artifact = trained(tmp_path, epochs=15)
    assert artifact.facts["accuracy"] > 0.9
    assert artifact.facts["losses"][-1] < artifact.facts["losses"][0]


def test_a_log_has_a_line_an_epoch(tmp_path, capsys):
    trained(tmp_path)
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(", loss")[0] for line in lines[:2]] == [
        "stripes-seed0: epoch 1/2",
        "stripes-seed0: epoch 2/2",
    ]
    assert lines[2].endswith("% of 9 test images")


def test_the_manifest_tells_what_was_read(tmp_path):
    artifact = trained(tmp_path)
    prepared = tmp_path / artifact.description["inputs"]["dataset"] / "manifest.json"
    assert artifact.manifest["inputs"] == {"dataset": sha256(prepared)}
    assert json.loads(prepared.read_text())["facts"]["train"] == artifact.facts["dataset"]["train"] == 24


def test_the_learning_rate_rises_then_falls_to_zero():
    factors = [state.learning_rate_factor(step, steps=100, warmup=10) for step in range(101)]
    assert factors[:11] == pytest.approx([(step + 1) / 11 for step in range(11)])
    assert all(later < earlier for earlier, later in pairwise(factors[10:]))
    assert factors[55] == pytest.approx(0.5)
    assert factors[100] == pytest.approx(0)


def test_vectors_do_not_decay_and_frozen_weights_are_left_out():
    network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 2))
    network[0].weight.requires_grad_(False)
    optimizer = state.optimiser(network, Training(epochs=1, batch_size=1, learning_rate=1, weight_decay=0.1))
    decayed, kept = optimizer.param_groups
    assert (len(decayed["params"]), decayed["weight_decay"]) == (1, 0.1)
    assert (len(kept["params"]), kept["weight_decay"]) == (2, 0.0)


def test_bf16_is_computed_in_float32_on_a_cpu_which_is_said(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    full = trained(tmp_path)
    assert "bf16" not in capsys.readouterr().err
    half = trained(tmp_path, precision="bf16")
    assert train_module.SLOW_BF16 in capsys.readouterr().err
    assert full.path != half.path
    assert half.facts["losses"] == full.facts["losses"]
    assert half.facts["precision"] == "float32"
    assert "precision" not in full.facts


def test_in_bf16_products_are_rounded_and_gradients_are_not():
    torch.manual_seed(0)
    network, images = torch.nn.Linear(8, 4), torch.randn(6, 8)
    losses = []
    for precision in ("float32", "bf16"):
        network.zero_grad()
        recipe = Training(epochs=1, batch_size=6, learning_rate=1, precision=precision)
        losses.append(loop.backward(network, images, torch.arange(6) % 4, recipe)[0])
        assert network.weight.grad.dtype == torch.float32
    assert losses[0] != losses[1]
    assert losses[1].item() == pytest.approx(losses[0].item(), rel=0.01)


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs g++ on the CPU")
def test_a_compiled_training_gives_the_same_weights_by_the_same_names(tmp_path, monkeypatch):
    def small(_, classes):  # compiling a real network takes minutes
        layers = torch.nn.Conv2d(3, 4, 8, stride=8), torch.nn.Flatten(), torch.nn.Linear(64, classes)
        return torch.nn.Sequential(*layers)

    monkeypatch.setattr(train_module, "build", small)
    plain, compiled = trained(tmp_path, epochs=1), trained(tmp_path, epochs=1, compile=True)
    assert compiled.facts["losses"] == pytest.approx(plain.facts["losses"], rel=1e-3)
    assert load_file(plain.path / WEIGHTS).keys() == load_file(compiled.path / WEIGHTS).keys()


OUT_OF_MEMORY = (
    "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 139.80 GiB of which 1.25 GiB is "
    "free. Including non-PyTorch memory, this process has 138.5 GiB memory in use."
)


@pytest.mark.fault("train", "too little memory on the GPU", "one line says what to set")
@pytest.mark.parametrize(
    ("message", "line"),
    [
        (OUT_OF_MEMORY, "a batch_size of 8: 2.50 GiB asked for, 1.25 GiB free of 139.80 GiB; train smaller"),
        ("CUDA out of memory,\nin other words", "a batch_size of 8: CUDA out of memory, in other words; train smaller"),
    ],
)
def test_too_little_memory_on_the_gpu_is_one_line(tmp_path, monkeypatch, message, line):
    def full(*_):
        raise torch.OutOfMemoryError(message)

    monkeypatch.setattr(loop, "augmented", full)
    with pytest.raises(KeyfiltersError) as caught:
        trained(tmp_path)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "train").iterdir())


def test_the_run_tells_what_it_cost(tmp_path):
    artifact = trained(tmp_path)
    run = runs.load(f"train/{artifact.path.name}", tmp_path)
    assert run["seconds"] > 0
    assert run["cpu_seconds"] > 0
    assert run["memory_mb"] > 50
    assert run["images_per_second"] > 0
    assert "gpu_seconds" not in run


def test_a_long_epoch_has_lines_between(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(progress, "SECONDS", 0)
    trained(tmp_path)
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(", loss")[0] for line in lines[:-1]] == [
        f"stripes-seed0: epoch {epoch}/2" for epoch in (1, 1, 1, 2, 2, 2)
    ]
