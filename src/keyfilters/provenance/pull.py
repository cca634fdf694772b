"""`keyfilters pull`: artifacts that the study names, that are missing here and that DVC has on record."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from keyfilters import artifacts
from keyfilters.errors import KeyfiltersError
from keyfilters.jobs import Job


def pull(root: Path, named: Iterable[Job]) -> list[str]:
    """Fetch, in one call of DVC, the missing artifacts of `named` that dvc.lock records; returns their folders.

    Raises KeyfiltersError if DVC cannot fetch them; what is here stays as it is.
    """
    from dvc.api import DVCFileSystem

    missing = [job.folder for job in named if not (root / job.folder / artifacts.MANIFEST).exists()]
    if not missing:
        return []
    recorded = DVCFileSystem()
    there = [folder for folder in missing if recorded.exists(str(root / folder / artifacts.MANIFEST))]
    if there:
        command = [sys.executable, "-m", "dvc", "pull", *(str(root / folder) for folder in there)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise KeyfiltersError(f"dvc pull failed: {done.stderr.strip().splitlines()[-1]}")
    return there
