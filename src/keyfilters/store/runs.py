"""How a job went: when, how long, on what machine, with what software and code. Beside the artifacts, in no hash.

`<base>/runs/<stage folder>/<name>-<key>.json`, where `base` is a study's folder of artifacts, or its folder of results
with the copies of `keyfilters manifests`. An artifact that was fetched has none until it is made here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from keyfilters.running.meter import Meter
from keyfilters.store import code, machine
from keyfilters.store.files import read_json, write_text
from keyfilters.store.identity import folder_of

PARTS = {"started", "seconds", "hardware", "software"}
"""What every run record has, those too that older versions wrote; another file in its place has not."""


def path(base: Path, folder: str) -> Path:
    """The run record of the artifact or result `folder`, `<stage folder>/<name>-<key>`."""
    return base / "runs" / f"{folder}.json"


def save(base: Path, description: Mapping[str, Any], run: Mapping[str, Any], started: datetime) -> None:
    """Write how the job of `description` went, with the software and the project's code that it ran."""
    record = {
        "started": started.isoformat(timespec="seconds"),
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        **run,
        "software": machine.software(),
        "code": code.of_job(description),
    }
    write_text(path(base, folder_of(description)), json.dumps(record, indent=1, ensure_ascii=False) + "\n")


@contextmanager
def noted(base: Path, description: Mapping[str, Any]) -> Iterator[None]:
    """Write how the job in the block went, if it ends well: one that makes a record in place of an artifact."""
    started, meter = datetime.now(UTC), Meter()
    yield
    save(base, description, {**meter.spent, "hardware": machine.cpu_name()}, started)


def ended(run: Mapping[str, Any]) -> str:
    """When a job ended, in ISO 8601. Of records without it, its start and its seconds, which are those of all attempts
    if it was stopped and went on."""
    if "ended" in run:
        return run["ended"]
    return (datetime.fromisoformat(run["started"]) + timedelta(seconds=round(run["seconds"]))).isoformat()


def load(folder: str, *bases: Path) -> dict[str, Any] | None:
    """How the making of the artifact `folder` went, by the first of `bases` that has it; None if none does."""
    for base in bases:
        with suppress(OSError, ValueError):
            run = read_json(path(base, folder))
            if run.keys() >= PARTS and isinstance(run.get("code", {}), dict):
                return run
    return None
