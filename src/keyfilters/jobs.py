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
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from keyfilters.datasets import reader
from keyfilters.settings import MODEL, Transfer

if TYPE_CHECKING:
    from keyfilters.study import Study

VERSIONS = yaml.safe_load(Path(__file__).with_name("versions.yaml").read_text())


@dataclass(frozen=True)
class Job:
    """One job: `stage` is its rule, verb and module; `name` is for people; `inputs` are jobs by role.

    `part` of the stage's artifacts that it belongs to: DVC keeps versions of each part for itself.
    """

    stage: str
    name: str
    settings: Mapping[str, Any]
    inputs: Mapping[str, Job] = field(default_factory=dict)
    part: str = ""

    @cached_property
    def description(self) -> dict[str, Any]:
        """Everything that decides the result, as JSON types."""
        return {
            "stage": self.stage,
            "version": VERSIONS[self.stage],
            "name": self.name,
            "settings": dict(self.settings),
            "inputs": {role: job.folder for role, job in self.inputs.items()},
            **({"part": self.part} if self.part else {}),
        }

    @cached_property
    def key(self) -> str:
        """12 hex digits of SHA-256 over the description."""
        return key_of(self.description)

    @cached_property
    def folder(self) -> str:
        """`<stage>/<name>-<key>`, or `<stage>_<part>/...`: where the artifact lies below the artifacts folder."""
        return folder_of(self.description)

    @property
    def room(self) -> str:
        """The folder of its part of the stage."""
        return self.folder.partition("/")[0]

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
    room = "_".join(filter(None, (description["stage"], description.get("part"))))
    return f"{room}/{description['name']}-{key_of(description)}"


@cache
def prepare(study: Study, dataset: str) -> Job:
    """The prepared set `dataset`: decoded, without duplicates, split, at the study's size."""
    # An archive's digest says what it is; the path only says where it lies, so it is no part of the key.
    given = study.datasets[dataset]
    settings = given.model_dump(mode="json", exclude={"path", "set", "classes", "title"})
    settings |= given.model_dump(mode="json", include={"classes", "title"}, exclude_none=True)
    name = given.set or dataset
    if given.source == "package":
        settings["sha256"] = reader(name).PACKAGE.sha256
    return Job("prepare", dataset, {"set": name, "image_size": study.image_size, **settings})


@cache
def train(study: Study, dataset: str, seed: int, model: str = MODEL) -> Job:
    """A base model: `model` of the study trained on `dataset` from random weights."""
    return Job(
        "train",
        f"{_network(dataset, model)}-seed{seed}",
        _training_settings(study, dataset, seed, model),
        {"dataset": prepare(study, dataset)},
        "" if model == MODEL else "other",
    )


def transfer(
    table: str,
    study: Study,
    target: str,
    source: str,
    seed: int,
    model: str = MODEL,
    source_model: str = MODEL,
    **experiment: Any,
) -> Job:
    """A transfer of `table`: filters of `source_model`, trained on the set `source`, in `model`, trained on `target`.

    `experiment`: fields of `Transfer`.
    """
    choices = Transfer(**study.transfer.model_dump(), **experiment)
    settings = _training_settings(study, target, seed, model) | {"transfer": choices.told}
    parts = [choices.layers]
    if choices.first:
        parts.append(f"first{choices.first}")
    if choices.arrangement != "in place":
        parts.append(choices.arrangement)
    if not choices.frozen:
        parts.append("finetuned")
    return Job(
        "transfer",
        "-".join([f"{_network(target, model)}--{_network(source, source_model)}", *parts, f"seed{seed}"]),
        settings,
        {"dataset": prepare(study, target), "source": train(study, source, seed, source_model)},
        "" if table == "table2" else table,
    )


def _network(dataset: str, model: str) -> str:
    """A readable name: the set, and the model if it is not the study's own."""
    return dataset if model == MODEL else f"{dataset}-{model}"


@cache
def _training_settings(study: Study, dataset: str, seed: int, model: str) -> dict[str, Any]:
    return {
        "model": study.model_of(model).told,
        "training": study.recipe(dataset, model).told,
        "seed": seed,
    }


@cache
def tables(study: Study) -> dict[str, Job]:
    """Every table and figure of the study by name; its inputs are cells, `<table>/<cell>`, or artifacts."""
    found = {}
    for table, experiment in study.tables.made.items():
        inputs = {f"{table}/{name}": job for name, job in experiment.inputs(study).items()}
        found[table] = Job(table, table, experiment.settings(study), inputs)
    return found


def cells(study: Study) -> dict[str, Job]:
    """Every cell of every table of the study, by its readable name `<table>/<cell>`."""
    return {name: job for table in tables(study).values() for name, job in table.inputs.items() if job.stage == "cell"}


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
    made = tables(study).values()
    return {job.folder: job for job in walk(made) if job.stage in ("prepare", "train", "transfer")}
