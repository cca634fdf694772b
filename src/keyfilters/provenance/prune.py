"""`keyfilters prune`: what the study no longer names is moved out, so that a folder's content follows from it.

Nothing is deleted: what is named again is restored before anything is planned.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from keyfilters.store import artifacts
from keyfilters.store.identity import Job


def prune(root: Path, stage_folder: str, named: Iterable[Job]) -> list[str]:
    """Move the artifacts in `stage_folder` below `root` that no job in `named` makes to the folder of pruned ones;
    returns their folders.

    What a killed job left half-written is removed; its checkpoint stays, or is pruned with what the study no longer
    names.
    """
    wanted = {job.folder for job in named}
    gone = []
    for path in sorted((root / stage_folder).glob("*")):
        folder = f"{stage_folder}/{path.name}"
        if path.suffix == artifacts.CHECKPOINT:
            artifact = f"{stage_folder}/{path.stem.removeprefix('.')}"
            if (root / artifact / artifacts.MANIFEST).exists():  # Snakemake makes the folder itself beforehand
                path.unlink()
            elif artifact not in wanted:
                _move(path, artifacts.pruned(root) / stage_folder / path.name)
        elif path.name.startswith("."):
            shutil.rmtree(path)
        elif folder not in wanted:
            _move(path, artifacts.pruned(root) / folder)
            gone.append(folder)
    return gone


def pruned(root: Path, named: Iterable[Job]) -> list[str]:
    """Folders of the artifacts of `named` that are not below `root`, but among those that were pruned."""
    kept = artifacts.pruned(root)
    if not kept.exists():
        return []
    return [
        job.folder
        for job in named
        if (kept / job.folder / artifacts.MANIFEST).exists() and not (root / job.folder / artifacts.MANIFEST).exists()
    ]


def restore(root: Path, named: Iterable[Job]) -> None:
    """Put the artifacts of `named` that were pruned, or their checkpoints, back below `root`."""
    pruned = artifacts.pruned(root)
    if not pruned.exists():
        return
    for job in named:
        final = root / job.folder
        for path in (final, artifacts.checkpoint(final)):
            kept = pruned / path.relative_to(root)
            if kept.exists() and not (final / artifacts.MANIFEST).exists():
                _move(kept, path)


def _move(path: Path, to: Path) -> None:
    shutil.rmtree(to, ignore_errors=True)
    to.parent.mkdir(parents=True, exist_ok=True)
    path.rename(to)
