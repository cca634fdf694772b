"""A job's whole description, and the key that is its identity.

A key is the hash of everything that decides a job's result: its settings, the version number of its
stage's code, and the keys of what it reads. Equal keys mean equal results, whatever the age of the
files; a changed setting gives a new key to exactly the jobs that it reaches.

What many jobs share (`@cache`) is made once for a study, so that planning thousands of cells takes seconds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from keyfilters.datasets import reader
from keyfilters.study import Study

VERSIONS = yaml.safe_load(Path(__file__).with_name("versions.yaml").read_text())


@dataclass(frozen=True)
class Job:
    """One job: `stage` is its rule, verb and module; `name` is for people; `inputs` are jobs by role."""

    stage: str
    name: str
    settings: Mapping[str, Any]
    inputs: Mapping[str, Job] = field(default_factory=dict)

    @cached_property
    def description(self) -> dict[str, Any]:
        """Everything that decides the result, as JSON types."""
        return {
            "stage": self.stage,
            "version": VERSIONS[self.stage],
            "name": self.name,
            "settings": dict(self.settings),
            "inputs": {role: job.folder for role, job in self.inputs.items()},
        }

    @cached_property
    def key(self) -> str:
        """12 hex digits of SHA-256 over the description."""
        return key_of(self.description)

    @cached_property
    def folder(self) -> str:
        """`<stage>/<name>-<key>`: where the artifact lies below the artifacts folder."""
        return f"{self.stage}/{self.name}-{self.key}"

    @property
    def as_json(self) -> str:
        """The description as one argument of the command line."""
        return canonical(self.description)


def canonical(description: Mapping[str, Any]) -> str:
    """JSON with sorted keys and no blanks: the same text for the same description."""
    return json.dumps(description, sort_keys=True, separators=(",", ":"))


def key_of(description: Mapping[str, Any]) -> str:
    """The key of a description, 12 hex digits."""
    return hashlib.sha256(canonical(description).encode()).hexdigest()[:12]


def folder_of(description: Mapping[str, Any]) -> str:
    """The artifact's folder of a description, as `Job.folder`."""
    return f"{description['stage']}/{description['name']}-{key_of(description)}"


@cache
def prepare(study: Study, dataset: str) -> Job:
    """The prepared set `dataset`: decoded, without duplicates, split, at the study's size."""
    # An archive's digest says what it is; the path only says where it lies, so it is no part of the key.
    settings = study.datasets[dataset].model_dump(mode="json", exclude={"path"})
    if settings["source"] == "package":
        settings["sha256"] = reader(dataset).PACKAGE.sha256
    return Job("prepare", dataset, {"set": dataset, "image_size": study.image_size, **settings})


@cache
def train(study: Study, dataset: str, seed: int) -> Job:
    """A base model: the study's architecture trained on `dataset` from random weights."""
    return Job(
        "train",
        f"{dataset}-seed{seed}",
        _training_settings(study, dataset, seed),
        {"dataset": prepare(study, dataset)},
    )


def transfer(study: Study, target: str, source: str, seed: int, layers: str) -> Job:
    """The `layers` of the base model of `source`, frozen in a network trained on `target`."""
    own = {"transfer": {"layers": layers, **study.transfer.model_dump()}}
    return Job(
        "transfer",
        f"{target}--{source}-{layers}-seed{seed}",
        _training_settings(study, target, seed) | own,
        {"dataset": prepare(study, target), "source": train(study, source, seed)},
    )


@cache
def _training_settings(study: Study, dataset: str, seed: int) -> dict[str, Any]:
    return {
        "model": study.model.model_dump(mode="json", exclude_none=True),
        "training": study.recipe(dataset).model_dump(mode="json"),
        "seed": seed,
    }


@cache
def cells(study: Study) -> dict[str, Job]:
    """Every cell of every table of the study, by its readable name `<table>/<cell>`."""
    found = {}
    if study.tables.table7:
        for dataset in study.datasets:
            seeds = {f"seed{seed}": train(study, dataset, seed) for seed in study.seeds}
            found[f"table7/{dataset}"] = Job("cell", dataset, {"target": dataset}, seeds)
    if study.tables.table2:
        for target, source in product(study.table2_targets, study.table2_sources):
            seeds = {f"seed{seed}": transfer(study, target, source, seed, "depthwise") for seed in study.seeds}
            settings = {"target": target, "source": source, "choices": study.transfer.model_dump()}
            found[f"table2/{target}--{source}"] = Job("cell", f"{target}--{source}", settings, seeds)
    return found


def tables(study: Study) -> dict[str, Job]:
    """Every table of the study by name; its inputs are its cells by their readable names."""
    every_cell = cells(study)
    return {
        table: Job(table, table, {}, {cell: job for cell, job in every_cell.items() if cell.startswith(f"{table}/")})
        for table in ("table7", "table2")
        if getattr(study.tables, table)
    }


def walk(targets: Iterable[Job]) -> Iterator[Job]:
    """The jobs and everything that they rest on, each once."""
    seen = set()
    waiting = list(targets)
    while waiting:
        job = waiting.pop()
        if job.folder not in seen:
            seen.add(job.folder)
            yield job
            waiting.extend(job.inputs.values())


def keyed(study: Study) -> dict[str, Job]:
    """Every artifact of the study by its folder: sets, base models, transfers."""
    return {job.folder: job for job in walk(cells(study).values()) if job.stage != "cell"}
