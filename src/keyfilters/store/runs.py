"""How a job went: when, how long, on what machine, with what software. Beside the artifacts, in nobody's hash.

`<base>/runs/<stage folder>/<name>-<key>.json`, where `base` is a study's folder of artifacts, or its folder of results
with the copies of `keyfilters manifests`. An artifact that was fetched has none until it is made here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keyfilters.store.files import write_text


def path(base: Path, folder: str) -> Path:
    """The run record of the artifact `folder`, `<stage folder>/<name>-<key>`."""
    return base / "runs" / f"{folder}.json"


def save(base: Path, folder: str, run: Mapping[str, Any]) -> None:
    """Write how the making of the artifact `folder` went."""
    write_text(path(base, folder), json.dumps(run, indent=1, ensure_ascii=False) + "\n")


def load(folder: str, *bases: Path) -> dict[str, Any] | None:
    """How the making of the artifact `folder` went, by the first of `bases` that has it; None if none does."""
    for base in bases:
        try:
            return json.loads(path(base, folder).read_text())
        except (OSError, ValueError):
            continue
    return None
