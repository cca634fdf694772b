"""Base models: reproducible bit for bit, tested once, after the last epoch."""

import json
from itertools import pairwise

import pytest
import torch
from tiny_jobs import training_job

from keyfilters import artifacts
from keyfilters.training import state
from keyfilters.training.train import WEIGHTS, train


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
    found = trained(tmp_path, epochs=15)
    assert found.facts["accuracy"] > 0.9
    assert found.facts["losses"][-1] < found.facts["losses"][0]


def test_a_log_has_a_line_an_epoch(tmp_path, capsys):
    trained(tmp_path)
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(", loss")[0] for line in lines[:2]] == [
        "stripes-seed0: epoch 1/2",
        "stripes-seed0: epoch 2/2",
    ]
    assert lines[2].endswith("% of 9 test pictures")


def test_the_manifest_tells_what_was_read(tmp_path):
    found = trained(tmp_path)
    prepared = tmp_path / found.description["inputs"]["dataset"] / "manifest.json"
    assert found.manifest["inputs"] == {"dataset": artifacts.sha256(prepared)}
    assert json.loads(prepared.read_text())["facts"]["train"] == found.facts["dataset"]["train"] == 24


def test_the_learning_rate_rises_then_falls_to_zero():
    factors = [state.learning_rate_factor(step, steps=100, warmup=10) for step in range(101)]
    assert factors[:11] == pytest.approx([(step + 1) / 11 for step in range(11)])
    assert all(later < earlier for earlier, later in pairwise(factors[10:]))
    assert factors[55] == pytest.approx(0.5)
    assert factors[100] == pytest.approx(0)


def test_vectors_do_not_decay_and_frozen_weights_are_left_out():
    from keyfilters.settings import Training

    network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 2))
    network[0].weight.requires_grad_(False)
    optimizer = state.optimiser(network, Training(epochs=1, batch_size=1, learning_rate=1, weight_decay=0.1))
    decayed, kept = optimizer.param_groups
    assert (len(decayed["params"]), decayed["weight_decay"]) == (1, 0.1)
    assert (len(kept["params"]), kept["weight_decay"]) == (2, 0.0)
