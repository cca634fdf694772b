"""Which stages' code was changed since what the study has was made, while their numbers in versions.yaml stayed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from keyfilters.store import artifacts, code, records, runs
from keyfilters.store.identity import Job, walk
from keyfilters.study import jobs, paths
from keyfilters.study.study import Study

CURE = (
    "if results change, raise its number in versions.yaml; if not, declare it: `make code-digests HARMLESS=... WHY=...`"
)


def changed_since(folder: str, *bases: Path) -> list[str]:
    """The stage, and the reader, whose code is another than the one that made the artifact or result `folder`.

    `bases`: where its run is recorded, as of `runs.load`; nothing is known of what none of them records.
    """
    run = runs.load(folder, *bases) or {}
    return [stage for stage, digest in run.get("code", {}).items() if not code.is_same(stage, digest)]


def changed_below(job: Job, *bases: Path) -> list[str]:
    """The same of a job and of all that it rests on."""
    return sorted({stage for below in walk([job]) for stage in changed_since(below.folder, *bases)})


def made_with_other_code(study: Study, root: Path, results: Path) -> dict[str, list[str]]:
    """By stage or reader: what of the study was made with other code.

    That is artifacts below `root` and what is fresh in `results`, and artifacts that are not here, of whose making the
    run beside the results is known.
    """
    outdated: dict[str, list[str]] = {}
    for name, job in {**jobs.keyed(study), **jobs.cells(study), **jobs.everything(study)}.items():
        keyed, bases, label = job.stage in jobs.KEYED, (root, results), name
        if keyed and not (root / job.folder / artifacts.MANIFEST).exists():
            # A run below `root` that outlived its artifact need not be the one that the results came from.
            bases, label = (results,), f"{name} (on record in {results / 'runs'})"
        stages = changed_since(job.folder, *bases)
        if stages and (keyed or _is_fresh(name, job, results)):
            for stage in stages:
                outdated.setdefault(stage, []).append(label)
    return outdated


def _is_fresh(name: str, job: Job, results: Path) -> bool:
    return records.is_fresh(paths.record(results, job.stage, name.removeprefix("filterdb/")), job.key)


def lines(outdated: Mapping[str, Iterable[str]]) -> list[str]:
    """A line per stage or reader, and how to go on."""
    changes = []
    for stage, names in outdated.items():
        first, *others = names
        more = f" and {len(others):,} more" if others else ""
        changes.append(f"code of {stage} changed since it made {first}{more}")
    return [*changes, CURE] if changes else []
