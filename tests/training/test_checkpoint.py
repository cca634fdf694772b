"""A training that was stopped or killed goes on from its checkpoint and ends as if it never had been."""

import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from keyfilters.config.training import Training
from keyfilters.errors import KeyfiltersError, Stopped
from keyfilters.models.build import build
from keyfilters.running.meter import Meter
from keyfilters.store import artifacts
from keyfilters.store.identity import Job
from keyfilters.training import checkpoint as checkpoint_module
from keyfilters.training import loop
from keyfilters.training.checkpoint import Checkpoint
from keyfilters.training.state import State
from keyfilters.training.train import train
from keyfilters.training.weights import WEIGHTS
from tests.helpers.tiny_jobs import MODEL, training_job

EPOCHS = 4  # of 24 images in batches of 8, so of 3 steps
DROPPING = MODEL | {"drop_path_rate": 0.3}  # draws from torch's global generator


def tiny_job(root: Path, epochs: int = EPOCHS) -> Job:
    job = training_job(root, epochs=epochs)
    return Job(job.stage, job.name, job.settings | {"model": DROPPING}, job.inputs)


@pytest.fixture
def signal_at(monkeypatch):
    """Lets this process send itself the signal `number` within step `at` of its next training."""
    add = State.add

    def signal_at(at, number):
        steps = iter(range(1, at))

        def add_and_signal(state, *step):
            add(state, *step)
            if next(steps, None) is None:
                os.kill(os.getpid(), number)
                monkeypatch.setattr(State, "add", add)

        monkeypatch.setattr(State, "add", add_and_signal)

    return signal_at


def in_a_fork(*calls) -> list[int]:
    """Exit codes of one process for each call, all at once; a negative one is the signal that killed it."""
    processes = [multiprocessing.get_context("fork").Process(target=call) for call in calls]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [process.exitcode for process in processes]


def outcome(root: Path, job: Job):
    artifact = artifacts.read(root, job.folder)
    return (artifact.path / WEIGHTS).read_bytes(), artifact.facts["losses"], artifact.facts["accuracy"]


def left_in(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "train").glob(".*"))


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("unbroken")
    job = tiny_job(root)
    train(job.description, root, threads=1)
    return outcome(root, job)


@pytest.mark.fault(
    "train", "a signal in the middle of a training", "the next call goes on from the checkpoint, to the same bytes"
)
@pytest.mark.parametrize(
    ("number", "at"),  # the first step, an epoch's last, in its middle, the very last
    [("SIGTERM", 1), ("SIGTERM", 6), ("SIGTERM", 8), ("SIGTERM", 12), ("SIGUSR1", 8), ("SIGINT", 8)],
)
def test_a_stopped_training_goes_on_to_the_same_bytes(tmp_path, unbroken, signal_at, number, at):
    job = tiny_job(tmp_path)
    signal_at(at, getattr(signal, number))
    with pytest.raises(Stopped, match=f"stopped by {number} in epoch {(at - 1) // 3 + 1}; run again to go on"):
        train(job.description, tmp_path, threads=1)
    assert left_in(tmp_path) == [artifacts.checkpoint(tmp_path / job.folder).name]
    train(job.description, tmp_path, threads=1)
    assert outcome(tmp_path, job) == unbroken
    assert left_in(tmp_path) == []


def test_a_signal_during_the_test_lets_the_training_end(tmp_path, unbroken, monkeypatch):
    def correct(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        return measure(*arguments)

    measure = loop.correct
    monkeypatch.setattr(loop, "correct", correct)
    job = tiny_job(tmp_path)
    train(job.description, tmp_path, threads=1)
    assert outcome(tmp_path, job) == unbroken


@pytest.mark.fault("train", "two stops of one training", "it goes on each time, to the same bytes")
def test_a_training_that_is_killed_twice_goes_on_to_the_same_bytes(tmp_path, unbroken, signal_at, monkeypatch, capsys):
    monkeypatch.setattr(checkpoint_module, "SECONDS", 0)
    job = tiny_job(tmp_path)
    for at in (5, 4):  # the second run begins after step 4 of the first
        signal_at(at, signal.SIGKILL)
        assert in_a_fork(lambda: train(job.description, tmp_path, threads=1)) == [-signal.SIGKILL]
        monkeypatch.undo()
        monkeypatch.setattr(checkpoint_module, "SECONDS", 0)
    train(job.description, tmp_path, threads=1)
    assert "going on in epoch 3" in capsys.readouterr().err
    assert outcome(tmp_path, job) == unbroken
    assert left_in(tmp_path) == []


def test_a_signal_from_outside_stops_the_command(tmp_path):
    job = tiny_job(tmp_path, epochs=2000)
    command = [str(Path(sys.executable).with_name("keyfilters")), "train", job.as_json, str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        assert "epoch 1/2000" in running.stderr.readline()
        running.send_signal(signal.SIGTERM)
        assert running.stderr.read().endswith("run again to go on from there\n")
    assert running.returncode == os.EX_TEMPFAIL
    assert left_in(tmp_path) == [artifacts.checkpoint(tmp_path / job.folder).name]


@pytest.mark.fault(
    "train",
    "two processes train one network at once",
    "the artifact is that of one process alone; nothing is left over",
)
def test_two_processes_on_one_job_end_alike(tmp_path, unbroken, monkeypatch):
    monkeypatch.setattr(checkpoint_module, "SECONDS", 0)
    job = tiny_job(tmp_path)
    ended = in_a_fork(*[lambda: train(job.description, tmp_path, threads=1)] * 2)
    assert 0 in ended  # the other one may find its place taken
    assert outcome(tmp_path, job) == unbroken
    assert left_in(tmp_path) == []


@pytest.fixture
def stopped(tmp_path, signal_at):
    """A job that was stopped in the middle, below `tmp_path`."""
    job = tiny_job(tmp_path)
    signal_at(8, signal.SIGTERM)
    with pytest.raises(Stopped):
        train(job.description, tmp_path, threads=1)
    return job


@pytest.mark.fault("train", "a checkpoint that is damaged", "one line names it; the training starts anew")
@pytest.mark.parametrize("damage", ["cut", "changed", "other"])
def test_a_damaged_checkpoint_is_named_and_the_training_starts_anew(tmp_path, stopped, unbroken, capsys, damage):
    file = artifacts.checkpoint(tmp_path / stopped.folder)
    data = bytearray(file.read_bytes())
    if damage == "cut":
        data = data[: len(data) // 2]
    elif damage == "changed":
        data[len(data) // 2] ^= 1
    else:
        data = b"no checkpoint"
    file.write_bytes(data)
    train(stopped.description, tmp_path, threads=1)
    lines = [line for line in capsys.readouterr().err.splitlines() if str(file) in line]
    assert len(lines) == 1
    assert lines[0].startswith(f"{file}: cannot be read")
    assert lines[0].endswith("starting anew")
    assert outcome(tmp_path, stopped) == unbroken


@pytest.mark.fault(
    "train", "a checkpoint that another version of torch wrote", "one line names both; the training starts anew"
)
def test_a_checkpoint_of_another_torch_is_named_and_not_used(tmp_path, stopped, unbroken, capsys, monkeypatch):
    monkeypatch.setattr(checkpoint_module, "_made_with", lambda state: ["cpu", "torch 9.9"])
    train(stopped.description, tmp_path, threads=1)
    assert "not cpu and torch 9.9; starting anew" in capsys.readouterr().err
    assert outcome(tmp_path, stopped) == unbroken


def state_of(seed: int = 0) -> State:
    torch.manual_seed(seed)
    network, recipe = build(MODEL, classes=3), Training(epochs=2, batch_size=8, learning_rate=0.1)
    return State(network, recipe, 24, torch.Generator().manual_seed(seed))


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    checkpoint = Checkpoint(tmp_path / ".net.checkpoint", tmp_path, Meter())
    state = state_of()
    state.parts["average"] = state.network
    assert checkpoint.write(state) is None
    with pytest.raises(KeyfiltersError, match=r"net\.checkpoint: does not fit this training .*average.*delete it"):
        checkpoint.restore(state_of())


@pytest.mark.fault("train", "the disk is full while a checkpoint is written", "the checkpoint before stays whole")
def test_on_a_full_disk_the_checkpoint_before_stays_whole(tmp_path):
    checkpoint = Checkpoint(tmp_path / ".net.checkpoint", tmp_path, Meter())
    assert checkpoint.write(state_of()) is None
    before = checkpoint.file.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    try:
        failure = checkpoint.write(state_of(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert failure.startswith(f"{checkpoint.file}: could not be written ([Errno 27] File too large")
    assert failure.endswith("the one before is kept")
    assert checkpoint.file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [checkpoint.file]


@pytest.mark.fault("train", "no space for checkpoints at all", "the training goes on, and a line says so")
def test_a_training_goes_on_without_room_for_its_checkpoint_and_says_so(tmp_path, monkeypatch, capsys, unbroken):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    monkeypatch.setattr(checkpoint_module, "SECONDS", 0)
    job = tiny_job(tmp_path)
    train(job.description, tmp_path, threads=1)
    printed = capsys.readouterr().err
    assert "could not be written ([Errno 28] No space left on device); there is none before it" in printed
    assert outcome(tmp_path, job) == unbroken


def test_a_stop_without_room_says_what_is_kept(tmp_path, monkeypatch):
    with Checkpoint(tmp_path / ".net.checkpoint", tmp_path / "gone", Meter()) as checkpoint:
        os.kill(os.getpid(), signal.SIGUSR1)
        with pytest.raises(Stopped, match=r"stopped by SIGUSR1 in epoch 1; .*could not be written .*none before it"):
            checkpoint.after_step(state_of())


def test_a_second_ctrl_c_does_not_wait(tmp_path):
    with Checkpoint(tmp_path / ".net.checkpoint", tmp_path, Meter()):
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_what_earlier_attempts_cost_is_added(tmp_path):
    first = Checkpoint(tmp_path / ".net.checkpoint", tmp_path, Meter({"seconds": 100, "memory_mb": 10**6}))
    assert first.write(state_of()) is None
    second = Checkpoint(first.file, tmp_path, Meter())
    second.restore(state_of())
    assert second.meter.spent["seconds"] >= 100
    assert second.meter.spent["memory_mb"] == 10**6


def test_checkpoints_are_written_when_they_are_due(tmp_path, monkeypatch):
    checkpoint = Checkpoint(tmp_path / ".net.checkpoint", tmp_path, Meter())
    checkpoint.after_step(state_of())
    assert not checkpoint.file.exists()
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + checkpoint_module.SECONDS)
    checkpoint.after_step(state_of())
    assert checkpoint.file.exists()
    shutil.copy(checkpoint.file, tmp_path / "first")
    checkpoint.file.unlink()
    checkpoint.after_step(state_of())
    assert not checkpoint.file.exists()
