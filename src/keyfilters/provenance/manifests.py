"""`keyfilters manifests`: what is known of a study's artifacts, and how their making went, beside its tables."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from keyfilters.store import artifacts, runs
from keyfilters.store.files import write_text
from keyfilters.store.identity import Job


def copy_manifests(root: Path, named: Iterable[Job], results: Path) -> int:
    """Put the manifests of those artifacts of `named` that lie below `root` into `results/manifests`, and the records
    of how their making went into `results/runs`; nothing else stays there.

    Each becomes `<stage folder>/<name>-<key>.json`. Returns how many manifests there are.
    """
    folder = results / "manifests"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(results / "runs", ignore_errors=True)
    count = 0
    for job in named:
        manifest = root / job.folder / artifacts.MANIFEST
        if manifest.exists():
            write_text(folder / f"{job.folder}.json", manifest.read_text())
            run = runs.path(root, job.folder)
            if run.exists():
                write_text(runs.path(results, job.folder), run.read_text())
            count += 1
    return count
