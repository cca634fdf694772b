"""`keyfilters manifests`: what is known of a study's artifacts, without the artifacts, beside its tables."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from keyfilters.store import artifacts
from keyfilters.store.files import write_text
from keyfilters.store.identity import Job


def copy_manifests(root: Path, named: Iterable[Job], folder: Path) -> int:
    """Put the manifests of those artifacts of `named` that lie below `root` into `folder`, and nothing else there.

    Each becomes `<room>/<name>-<key>.json`. Returns how many they are.
    """
    shutil.rmtree(folder, ignore_errors=True)
    count = 0
    for job in named:
        manifest = root / job.folder / artifacts.MANIFEST
        if manifest.exists():
            write_text(folder / f"{job.folder}.json", manifest.read_text())
            count += 1
    return count
