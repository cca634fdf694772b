"""What every part of the benchmark hands back, and what they share: a sample of times, the study, commands."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from keyfilters.store.identity import Job
from keyfilters.study.study import Study, check

PROJECT = Path(__file__).parents[1]
LARGEST = "cifar10"  # the mini study's largest set, whose recipe augments in both ways that there are


@dataclass(frozen=True)
class Report:
    """A table for people with notes on how it was measured, and its numbers as JSON types."""

    title: str
    rows: Sequence[Mapping[str, Any]]
    notes: Sequence[str]
    numbers: Mapping[str, Any]


@dataclass(frozen=True)
class Sample:
    """Measurements of one quantity in the order in which they were taken."""

    values: tuple[float, ...]

    def text(self, form: str) -> str:
        """`median (lowest-highest)`, each number by the format `form`."""
        median, low, high = statistics.median(self.values), min(self.values), max(self.values)
        return f"{median:{form}} ({low:{form}}-{high:{form}})"

    @property
    def numbers(self) -> dict[str, Any]:
        return {"median": statistics.median(self.values), "n": len(self.values), "values": list(self.values)}


def mini() -> Study:
    """The mini study of the project's config.yaml."""
    return check(yaml.safe_load((PROJECT / "config.yaml").read_text())).studies["mini"]


def settings(job: Job, epochs: int) -> dict[str, Any]:
    """The settings of a training job of the study, for another number of epochs."""
    return {**job.settings, "training": {**job.settings["training"], "epochs": epochs}}


def installed(program: str) -> str:
    """Path of a program that was installed beside this Python."""
    return str(Path(sys.executable).with_name(program))


def output_of(command: list[str], environment: Mapping[str, str] | None = None, folder: Path = PROJECT) -> str:
    """What `command` prints. Raises RuntimeError with the last lines of it if the command fails."""
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        last = "\n".join(done.stdout.splitlines()[-15:])
        raise RuntimeError(f"{' '.join(command)[:300]} failed:\n{last}")
    return done.stdout
