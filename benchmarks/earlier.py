"""Seconds of base models, transfers and the filter store's jobs, against an earlier commit of this project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.report import PROJECT, Report, Sample, installed, output_of

PARTS = ("Snakefile", "rules", "profiles", "envs", "src")
VARIABLE = "EARLIER"
FILTER_STAGES = ("extract", "moments", "basis", "histograms")

# What the mini study trains on two of its sets, for as many epochs, in words that both versions understand.
STUDY: dict[str, Any] = {
    "image_size": 64,
    "seeds": [0, 1, 2],  # trainings enough that the start of Snakemake is the small part that it is in a study
    "model": {
        "architecture": "convnext_femto",
        "depths": [1, 1, 3, 1],
        "dims": [16, 32, 64, 128],
        "conv_mlp": False,
        "ls_init_value": 0.1,
    },
    "datasets": {"digits": {"train_per_class": 100}, "emoji": {}},
    "training": {
        "epochs": 12,
        "batch_size": 64,
        "learning_rate": 4.0e-3,
        "weight_decay": 0.05,
        "warmup_epochs": 1,
        "label_smoothing": 0.1,
        "augmentation": {"shift": 6},
    },
    "training_of": {},
    "transfer": {"bias": "trained"},
    "lowres": {},
    "zoo": {"packages": {"max_bytes": 380_000_000}},  # of 60 networks
    "analysis": {"sets": {"regular_3x3": {"kinds": ["regular"]}}},
    "tables": {
        "table7": {"datasets": ["digits", "emoji"]},
        "table2": {"targets": ["digits", "emoji"], "sources": ["digits", "emoji"]},
    },
}

NOTES = (
    "Each of the two makes the same jobs through `snakemake --cores all`, in turns, from the artifacts of the stages "
    "before; a ratio compares two runs of one round. Seconds are divided by the artifacts of the first stage, "
    "as today's transfers ask for base models of one more seed. Processor time is not compared: what a preloaded "
    "process forks is nobody's child. "
    "What is trained is the mini study's network, 64 px, for as many epochs as there.",
)
NOT_RUN = f"Not run: {VARIABLE} names the commit to compare with, {VARIABLE}=eb0f175 for the one of 2026-11-20."


@dataclass(frozen=True)
class Work:
    """What is timed: the artifacts of some stages, and how many times as fast as earlier it has to be."""

    name: str
    stages: tuple[str, ...]
    to_reach: float


WORK = (
    Work("base models", ("train",), 1.4),
    Work("transfers", ("transfer",), 1.7),
    Work("extract, moments, basis and histograms", FILTER_STAGES, 3),
)


@dataclass(frozen=True)
class Version:
    """A version of the project with a folder of its own."""

    folder: Path

    def snakemake(self, *targets: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(self.folder / "src")}
        output_of([installed("snakemake"), "--cores", "all", *targets], environment, self.folder)

    def seconds(self, work: Work) -> float:
        """Wall seconds per artifact of the work's first stage."""
        for stage in work.stages:
            shutil.rmtree(self.folder / "artifacts/mini" / stage, ignore_errors=True)
        start = time.perf_counter()
        self.snakemake(*(f"all_{stage}" for stage in work.stages))
        wall = time.perf_counter() - start
        count = sum(1 for _ in self.folder.glob(f"artifacts/mini/{work.stages[0]}/*/manifest.json"))
        return wall / count


def report(rounds: int) -> Report:
    """Today's version against the commit that the variable EARLIER names."""
    commit = os.environ.get(VARIABLE)
    if not commit:
        return Report("Against an earlier version", [], [NOT_RUN], {})
    rows, numbers = [], {}
    with tempfile.TemporaryDirectory() as folder:
        today, earlier = (Version(Path(folder) / name) for name in ("today", "earlier"))
        _check_out("HEAD", today.folder)
        _check_out(commit, earlier.folder)
        for version in (today, earlier):
            (version.folder / "config.yaml").write_text(yaml.safe_dump({"study": "mini", "studies": {"mini": STUDY}}))
            version.snakemake("all_prepare", "all_train", "all_extract")  # fetches what is not in the cache
        for work in WORK:
            pairs = []
            for number in range(1, rounds + 1):
                print(f"round {number} of {rounds}: {work.name}", file=sys.stderr, flush=True)
                pairs.append((earlier.seconds(work), today.seconds(work)))
            before, after = (Sample(tuple(pair[side] for pair in pairs)) for side in (0, 1))
            ratio = Sample(tuple(a / b for a, b in pairs))
            rows.append(
                {
                    "": work.name,
                    commit: before.text(".2f"),
                    "today": after.text(".2f"),
                    "times as fast": ratio.text(".2f"),
                    "to reach": work.to_reach,
                    "n": rounds,
                }
            )
            numbers[work.name] = {"earlier": before.numbers, "today": after.numbers, "ratio": ratio.numbers}
    return Report("Against an earlier version, seconds of a job", rows, NOTES, numbers)


def _check_out(commit: str, folder: Path) -> None:
    folder.mkdir()
    archive = subprocess.run(["git", "archive", commit, *PARTS], cwd=PROJECT, stdout=subprocess.PIPE, check=True)
    subprocess.run(["tar", "--extract", "--directory", folder], input=archive.stdout, check=True)
