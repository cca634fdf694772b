"""What differs between two jobs, down to the single setting, input or version."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from keyfilters.errors import KeyfiltersError
from keyfilters.store import artifacts
from keyfilters.store.identity import Job, walk


class Difference(NamedTuple):
    """One setting, input or version that is not as it was; `where` leads from the job to it."""

    where: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.where}: {self.old} → {self.new}"


def differences(old: Mapping[str, Any], job: Job, root: Path) -> list[Difference]:
    """What makes `job` another job than the one described by `old`, through all that both read.

    Manifests of the old inputs are looked for below `root` and among what was pruned; where one is gone,
    the input itself is named as the difference.
    """
    return _differences(old, job, partial(described, root))


def between(old: Job, new: Job) -> list[Difference]:
    """What makes `new` another job than `old`, both of one study, through all that both read."""
    descriptions = {job.folder: job.description for job in walk([old])}
    return _differences(old.description, new, descriptions.get)


def _differences(
    old: Mapping[str, Any], job: Job, description_of: Callable[[str], Mapping[str, Any] | None]
) -> list[Difference]:
    new = job.description
    differences = [
        Difference(where, before, after)
        for part in ("version", "settings")
        for where, before, after in _leaves(part, old[part], new[part])
    ]
    for role in sorted({*old["inputs"], *new["inputs"]}):
        before, after = old["inputs"].get(role), new["inputs"].get(role)
        if before == after:
            continue
        description = description_of(before) if before and after else None
        if description is None:
            differences.append(Difference(role, before, after))
        else:
            differences += [
                Difference(f"{role}, {where}", *values)
                for where, *values in _differences(description, job.inputs[role], description_of)
            ]
    return differences


def described(root: Path, folder: str) -> Mapping[str, Any] | None:
    """The description in the manifest of `folder`, present or pruned; None if there is none."""
    for base in (root, artifacts.pruned(root)):
        try:
            return artifacts.manifest(base, folder).description
        except KeyfiltersError:
            continue
    return None


def _leaves(where: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            yield from _leaves(f"{where}.{key}", old.get(key), new.get(key))
    elif old != new:
        yield where, old, new
