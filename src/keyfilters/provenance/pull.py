"""`keyfilters pull`: artifacts that the study names, that are missing here and that DVC has on record."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from keyfilters.errors import KeyfiltersError
from keyfilters.store import artifacts
from keyfilters.store.identity import Job


def pull(root: Path, named: Iterable[Job]) -> list[str]:
    """Fetch, in one call of DVC, the missing artifacts of `named` that dvc.lock records; returns their folders.

    Raises KeyfiltersError if DVC cannot fetch them or fetches something else; what is here stays as it is.
    """
    missing = [job for job in named if not (root / job.folder / artifacts.MANIFEST).exists()]
    recorded = _recorded(root, sorted({job.stage_folder for job in missing})) if missing else set()
    there = sorted({job.folder for job in missing} & recorded)
    if there:
        command = [sys.executable, "-m", "dvc", "pull", *(str(root / folder) for folder in there)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise KeyfiltersError(f"dvc pull failed: {_reason(done.stderr)}; {_remote()}")
    for folder in there:
        try:
            artifacts.read(root, folder)
        except KeyfiltersError as error:
            shutil.rmtree(root / folder)
            raise KeyfiltersError(
                f"dvc pull brought other bytes than were pushed, they were removed: {error}"
            ) from None
    return there


def _reason(printed: str) -> str:
    """What DVC says went wrong: its first error has the cause, its last one only counts files."""
    errors = [line.removeprefix("ERROR: ") for line in printed.splitlines() if line.startswith("ERROR: ")]
    return (errors or printed.strip().splitlines() or ["no reason given"])[0]


def _recorded(root: Path, stage_folders: Iterable[str]) -> set[str]:
    """Folders of the artifacts in those of the directories `stage_folders` below `root` that dvc.lock records."""
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from dvc_data.index import DataIndexDirError

    folders = set()
    try:
        recorded = DVCFileSystem()
        for stage_folder in stage_folders:
            folder = str(root / stage_folder)
            names = recorded.ls(folder, detail=False) if recorded.exists(folder) else []
            folders |= {f"{stage_folder}/{Path(name).name}" for name in names}
    except DataIndexDirError:
        raise KeyfiltersError(
            f"dvc pull failed: what was recorded of {folder} is not in DVC's cache and cannot be fetched; {_remote()}"
        ) from None
    except DvcException as error:
        raise KeyfiltersError(f"dvc pull failed: {' '.join(str(error).split())}; see docs/versions.md") from None
    return folders


def _remote() -> str:
    """Which remote DVC asks, and how another one is named."""
    from dvc.repo import Repo

    config = Repo().config
    name = config["core"].get("remote")
    if name not in config["remote"]:
        return "no remote is set, which `dvc remote add --default shared URL` does; see docs/versions.md"
    url = config["remote"][name]["url"]
    change = f"name the one that has it by `dvc remote modify --local {name} url URL`"
    return f"its remote {name} is {url}; {change}, or go on without a pull: Snakemake makes it; see docs/versions.md"
