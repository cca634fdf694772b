"""`keyfilters explain`: what a cell is made of, and whether it is fresh or which setting made it stale."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.tree import Tree

from keyfilters import artifacts, jobs
from keyfilters.errors import KeyfiltersError
from keyfilters.jobs import Job
from keyfilters.provenance.differences import described, differences
from keyfilters.study import Study


def explain_cell(study: Study, name: str, root: Path, results: Path) -> Tree:
    """The cell `name` (`<table>/<cell>`) with its trainings and all that they read, as a tree.

    `root` is the study's folder of artifacts, `results` that of its results.
    Raises KeyfiltersError if the study has no such cell.
    """
    cell = _known(jobs.cells(study), name)
    record = _record(results, name)
    tree = Tree(f"[bold]{name}[/]: {_state(cell, record)}")
    if record and record["key"] == cell.key:
        spread = "" if record["spread"] is None else f" ± {record['spread']:.2f}"
        tree.add(f"{record['mean']:.2f}{spread} %, n = {record['n']}")
    made_from = [run["training"] for run in record["runs"]] if record else []
    for role, training in cell.inputs.items():
        # A seed's training keeps its readable name whatever its settings are.
        before = [folder for folder in made_from if folder.rpartition("-")[0].endswith(f"/{training.name}")]
        _add(tree, role, training, root, before[0] if before else None)
    return tree


def explain_table(study: Study, table: str, results: Path) -> Table:
    """All cells of a table: state, mean, n and what they were trained on."""
    job = _known(jobs.tables(study), table)
    lines = Table("cell", "state", "mean", "n", "trained")
    for name, cell in job.inputs.items():
        record = _record(results, name)
        fresh = record is not None and record["key"] == cell.key
        values = (f"{record['mean']:.2f}", str(record["n"])) if fresh else ("", "")
        hardware = "; ".join(sorted({run["hardware"] for run in record["runs"]})) if fresh else ""
        lines.add_row(name.partition("/")[2], _state(cell, record), *values, hardware)
    return lines


def show(renderable: Tree | Table) -> None:
    """Print on the terminal; in a pipe, as wide as it is."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=1000)
    console.print(renderable, highlight=False)


def _known(found: dict[str, Job], name: str) -> Job:
    if name not in found:
        raise KeyfiltersError(f"the study has no {name}; it has {', '.join(found)}")
    return found[name]


def _record(results: Path, cell: str) -> dict[str, Any] | None:
    try:
        return json.loads((results / "cells" / f"{cell}.json").read_text())
    except (OSError, ValueError):
        return None


def _state(cell: Job, record: dict[str, Any] | None) -> str:
    if record is None:
        return "[yellow]not made yet[/]"
    return "[green]fresh[/]" if record["key"] == cell.key else "[red]stale[/]"


def _add(tree: Tree, role: str, job: Job, root: Path, before: str | None) -> None:
    """Add an artifact below `tree`; `before` is the folder that stood in its place when the cell was made."""
    try:
        found = artifacts.manifest(root, job.folder)
    except KeyfiltersError:
        branch = tree.add(f"{role} [bold]{job.folder}[/]: not here")
        old = described(root, before) if before and before != job.folder else None
        for difference in differences(old, job, root) if old else ():
            branch.add(f"[red]{difference}[/]")
        return
    branch = tree.add(f"{role} [bold]{job.folder}[/]")
    manifest = found.manifest
    branch.add(f"made {manifest['started']} in {manifest['seconds']} s on {manifest['hardware']}")
    branch.add("software: " + ", ".join(f"{name} {version}" for name, version in manifest["software"].items()))
    branch.add(f"code version {found.description['version']}, settings {json.dumps(found.description['settings'])}")
    for name, digest in manifest["files"].items():
        branch.add(f"{name} sha256 {digest}")
    for input_role, given in job.inputs.items():
        _add(branch, input_role, given, root, None)
