"""Seconds from the start of a training job to the end of its first step, by itself and from a preloaded process."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks import drawn_images
from benchmarks.report import LARGEST, Report, Sample, installed, mini, settings
from keyfilters.running import preload
from keyfilters.store import identity
from keyfilters.study import jobs

SET = 12_000  # as many as LARGEST has: reading and checking them is a part of the start
NOTE = (
    f"`keyfilters train` in a process of its own on a set of {SET:,} images; only one batch of them is for training, "
    "so that the log's first line follows the first step. After one start to fill the disk's cache. Preloaded: as "
    "Snakemake runs it on one machine, after the first job, whose imports all share."
)


def report(rounds: int) -> Report:
    """From the call of `keyfilters train` to its log's first line, which follows the first step."""
    study = mini()
    description = settings(jobs.train(study, LARGEST, seed=0), epochs=1)
    images = drawn_images.draw(SET, study.image_size)
    batch = description["training"]["batch_size"]
    with tempfile.TemporaryDirectory() as folder:
        dataset = drawn_images.prepared(Path(folder), images[:batch], images[batch:])
        job = identity.Job("train", "start", description, {"dataset": dataset})
        command = [installed("keyfilters"), "train", job.as_json, folder]
        environment = {**os.environ, **preload.ONE_THREAD}
        samples = {"by itself": _sample(command, environment, rounds)}
        preload.start()
        environment[preload.VARIABLE] = os.environ.pop(preload.VARIABLE)
        samples["preloaded"] = _sample(command, environment, rounds)
    rows = [{"": name, "seconds": sample.text(".2f"), "n": rounds} for name, sample in samples.items()]
    rows[0]["to reach"] = "at most 3"
    numbers = {"seconds": samples["by itself"].numbers, "preloaded_seconds": samples["preloaded"].numbers}
    return Report("Start of a job to its first batch", rows, [NOTE], numbers)


def _sample(command: list[str], environment: Mapping[str, str], rounds: int) -> Sample:
    return Sample(tuple(_until_first_step(command, environment) for _ in range(rounds + 1))[1:])


def _until_first_step(command: list[str], environment: Mapping[str, str]) -> float:
    """Seconds until the command logs its first epoch, which is one step; it is stopped then."""
    began, lines = time.perf_counter(), []
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if "epoch 1/1" in line:
                seconds = time.perf_counter() - began
                process.kill()
                return seconds
            lines.append(line)
    raise RuntimeError(f"{' '.join(command)[:300]} ended without an epoch:\n{''.join(lines[-15:])}")
