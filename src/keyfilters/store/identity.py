"""A job's whole description, and the key that is its identity.

A key is the hash of everything that decides a job's result: its settings, the version number of its
stage's code, and the keys of what it reads. Equal keys mean equal results, whatever the age of the
files; a changed setting gives a new key to exactly the jobs that it reaches.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from typing import Any

import yaml

from keyfilters.store import code

VERSIONS = yaml.safe_load(files("keyfilters").joinpath("versions.yaml").read_text())
CODE_IN_KEYS = False  # whether descriptions have the digest of the code too: `changed_code: key` of a configuration


@dataclass(frozen=True)
class Job:
    """One job: `stage` is its rule, subcommand and module; `name` is for people; `inputs` are jobs by role.

    `part` of the stage's artifacts that it belongs to: DVC keeps versions of each part for itself.
    """

    stage: str
    name: str
    settings: Mapping[str, Any]
    inputs: Mapping[str, Job] = field(default_factory=dict)
    part: str = ""

    @cached_property
    def description(self) -> dict[str, Any]:
        """Everything that decides the result, as JSON types; in the order of names, so that a job which goes through
        settings or inputs does not depend on the order in which a configuration names them."""
        description = {
            "stage": self.stage,
            "version": VERSIONS[self.stage],
            "name": self.name,
            "settings": self.settings,
            "inputs": {role: job.folder for role, job in self.inputs.items()},
            **({"part": self.part} if self.part else {}),
        }
        if CODE_IN_KEYS:
            description["code"] = {name: code.representative(name) for name in code.of_job(description)}
        return json.loads(canonical(description))

    @cached_property
    def key(self) -> str:
        """12 hex digits of SHA-256 over the description."""
        return key_of(self.description)

    @cached_property
    def folder(self) -> str:
        """`<stage>/<name>-<key>`, or `<stage>_<part>/...`: where the artifact lies below the artifacts folder."""
        return folder_of(self.description)

    @property
    def stage_folder(self) -> str:
        """`<stage>` or `<stage>_<part>`: the folder of all artifacts of the stage, or of its part of them."""
        return self.folder.partition("/")[0]

    @property
    def as_json(self) -> str:
        """The description as one argument of the command line."""
        return canonical(self.description)


def put_code_in_keys(put: bool) -> None:
    """Whether the jobs that are described from now on have the digest of their code in their keys."""
    global CODE_IN_KEYS
    CODE_IN_KEYS = put


def code_versions() -> dict[str, int]:
    """The number of each stage's code, and of each reader's by `readers.<format>`."""
    readers = {f"readers.{format}": version for format, version in VERSIONS["readers"].items()}
    return {stage: version for stage, version in VERSIONS.items() if stage != "readers"} | readers


def canonical(description: Mapping[str, Any]) -> str:
    """JSON with sorted keys and no blanks: the same text for the same description."""
    return json.dumps(description, sort_keys=True, separators=(",", ":"))


def key_of(description: Mapping[str, Any]) -> str:
    """The key of a description, 12 hex digits."""
    return hashlib.sha256(canonical(description).encode()).hexdigest()[:12]


def folder_of(description: Mapping[str, Any]) -> str:
    """The artifact's folder of a description, as `Job.folder`."""
    stage_folder = "_".join(filter(None, (description["stage"], description.get("part"))))
    return f"{stage_folder}/{description['name']}-{key_of(description)}"


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
