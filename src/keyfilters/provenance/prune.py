"""`keyfilters prune`: what the study no longer names goes aside, so that a folder's content follows from it.

Nothing is deleted: what is named again is brought back before anything is planned.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from keyfilters.store import artifacts
from keyfilters.store.identity import Job


def prune(root: Path, room: str, named: Iterable[Job]) -> list[str]:
    """Set aside the artifacts in `room` below `root` that no job in `named` makes; returns their folders.

    What a killed job left half-written is removed; its checkpoint stays, or goes aside with what the study no longer
    names.
    """
    wanted = {job.folder for job in named}
    gone = []
    for path in sorted((root / room).glob("*")):
        folder = f"{room}/{path.name}"
        if path.suffix == artifacts.CHECKPOINT:
            made = f"{room}/{path.stem.removeprefix('.')}"
            if (root / made / artifacts.MANIFEST).exists():  # Snakemake makes the folder itself beforehand
                path.unlink()
            elif made not in wanted:
                _move(path, artifacts.aside(root) / room / path.name)
        elif path.name.startswith("."):
            shutil.rmtree(path)
        elif folder not in wanted:
            _move(path, artifacts.aside(root) / folder)
            gone.append(folder)
    return gone


def bring_back(root: Path, named: Iterable[Job]) -> None:
    """Give the artifacts of `named` that were set aside, or their checkpoints, their place again."""
    aside = artifacts.aside(root)
    if not aside.exists():
        return
    for job in named:
        path = root / job.folder
        for place in (path, artifacts.checkpoint(path)):
            kept = aside / place.relative_to(root)
            if kept.exists() and not (path / artifacts.MANIFEST).exists():
                _move(kept, place)


def _move(path: Path, to: Path) -> None:
    shutil.rmtree(to, ignore_errors=True)
    to.parent.mkdir(parents=True, exist_ok=True)
    path.rename(to)
