"""Places on GPUs that do not exist: the locks need none."""

import multiprocessing
import os
import signal
import time
from types import SimpleNamespace

import pytest
import torch

from keyfilters.training import devices

FORK = multiprocessing.get_context("fork")


@pytest.fixture(autouse=True)
def _look_often(monkeypatch):
    monkeypatch.setattr(devices, "SECONDS", 0.01)


@pytest.mark.parametrize("jobs_per_gpu", [1, 2])
def test_never_more_jobs_on_a_gpu_than_it_has_places(tmp_path, jobs_per_gpu):
    running, most = FORK.Array("i", 2), FORK.Array("i", 2)

    def job():
        with devices.gpu_slot(["a", "b"], jobs_per_gpu, tmp_path) as number:
            with running.get_lock():
                running[number] += 1
                most[number] = max(most[number], running[number])
            time.sleep(0.1)
            with running.get_lock():
                running[number] -= 1

    processes = [FORK.Process(target=job) for _ in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 8
    assert max(most) <= jobs_per_gpu
    assert min(most) >= 1


def test_an_empty_gpu_comes_before_one_with_a_job(tmp_path):
    with (
        devices.gpu_slot(["a", "b"], 2, tmp_path) as first,
        devices.gpu_slot(["a", "b"], 2, tmp_path) as second,
        devices.gpu_slot(["a", "b"], 2, tmp_path) as third,
    ):
        assert [first, second, third] == [0, 1, 0]


def test_a_place_is_known_by_the_gpu_and_not_by_its_number(tmp_path):
    with devices.gpu_slot(["a", "b"], 1, tmp_path), devices.gpu_slot(["c", "a"], 1, tmp_path) as other:
        assert other == 0
        with devices.gpu_slot(["a", "b"], 1, tmp_path) as last:
            assert last == 1


@pytest.mark.fault("train", "a job that has a GPU is killed", "the GPU is free for the next")
def test_a_killed_job_frees_its_place(tmp_path):
    taken = FORK.Event()

    def job():
        with devices.gpu_slot(["a"], 1, tmp_path):
            taken.set()
            time.sleep(60)

    process = FORK.Process(target=job)
    process.start()
    assert taken.wait(10)
    os.kill(process.pid, signal.SIGKILL)
    with devices.gpu_slot(["a"], 1, tmp_path) as number:
        assert number == 0
    process.join()


def test_who_waits_says_so_once(tmp_path, capfd):
    def wait():
        with devices.gpu_slot(["a"], 1, tmp_path):
            pass

    with devices.gpu_slot(["a"], 1, tmp_path):
        process = FORK.Process(target=wait)
        process.start()
        time.sleep(0.2)
    process.join()
    assert capfd.readouterr().err == "waiting for a free slot on a GPU, all 1 are taken\n"


def test_without_a_gpu_it_is_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with devices.hold(1) as device:
        assert device == torch.device("cpu")


def test_a_gpu_is_held_by_its_uuid(monkeypatch, tmp_path):
    monkeypatch.setattr(devices.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: SimpleNamespace(uuid=f"uuid{number}"))
    chosen = []
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    with devices.hold(1) as first, devices.hold(1) as second:
        assert [first, second] == [torch.device("cuda", 0), torch.device("cuda", 1)]
    assert chosen == [0, 1]
    assert {path.name for path in tmp_path.glob("*/*")} == {"uuid0.0", "uuid1.0"}
