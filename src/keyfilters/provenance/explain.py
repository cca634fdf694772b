"""`keyfilters explain`: what a cell is made of, and whether it is fresh or which setting made it stale."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from keyfilters.errors import KeyfiltersError
from keyfilters.provenance.changed_code import changed_below, changed_since
from keyfilters.provenance.differences import Difference, described, differences
from keyfilters.store import artifacts, records, runs
from keyfilters.store.identity import Job
from keyfilters.study import jobs, paths
from keyfilters.study.study import Study


def explain_cell(study: Study, name: str, root: Path, results: Path) -> Tree:
    """The cell `name` (`<table>/<cell>`) with its trainings and all that they read, as a tree.

    `root` is the study's folder of artifacts, `results` that of its results.
    Raises KeyfiltersError if the study has no such cell.
    """
    cell = jobs.known(jobs.cells(study), name)
    record = _record(results, name)
    tree = Tree(f"[bold]{escape(name)}[/]: {_state(cell, record, root, results)}")
    if record and record["key"] == cell.key:
        spread = "" if record["spread"] is None else f" ± {record['spread']:.2f}"
        tree.add(f"{record['mean']:.2f}{spread} %, n = {record['n']}")
    version = cell.description["version"]
    if record and record.get("version", version) != version:
        tree.add(_difference(Difference("version of the stage cell", record["version"], version)))
    made_from = [run["training"] for run in record["runs"]] if record else []
    for role, training in cell.inputs.items():
        # A seed's training keeps its readable name whatever its settings are.
        before = [folder for folder in made_from if folder.rpartition("-")[0].endswith(f"/{training.name}")]
        _add(tree, role, training, (root, results), before[0] if before else None)
    for folder in sorted({*made_from} - {training.folder for training in cell.inputs.values()}):
        if folder.rpartition("-")[0] not in {f"{job.stage_folder}/{job.name}" for job in cell.inputs.values()}:
            tree.add(f"[red]made with {escape(folder)}, which is no longer part of it[/]")
    return tree


def explain_table(study: Study, table: str, root: Path, results: Path) -> Table:
    """All cells of a table: state, mean, n and what they were trained on; or the artifacts that it is made from."""
    job = jobs.known(jobs.tables(study), table)
    lines = Table("made from", "state", "mean", "n", "hardware")
    for name, cell in job.inputs.items():
        if cell.stage != "cell":
            lines.add_row(*_artifact_line(name, cell, root, results))
            continue
        record = _record(results, name)
        fresh = record is not None and record["key"] == cell.key
        values = (f"{record['mean']:.2f}", str(record["n"])) if fresh else ("", "")
        hardware = _hardware((training.folder for training in cell.inputs.values()), root, results) if fresh else ""
        lines.add_row(escape(name.partition("/")[2]), _state(cell, record, root, results), *values, escape(hardware))
    return lines


def _artifact_line(name: str, job: Job, root: Path, results: Path) -> tuple[str, ...]:
    """A line for an artifact, or for the tables of a set of filters."""
    if job.stage not in jobs.KEYED:
        fresh = records.is_fresh(paths.record(results, job.stage, job.name), job.key)
        return job.name, "[green]fresh[/]" if fresh else "[yellow]not made yet[/]", "", "", ""
    try:
        artifacts.manifest(root, job.folder)
    except KeyfiltersError:
        return escape(job.folder), "[yellow]not made yet[/]", "", "", ""
    return escape(job.folder), "[green]fresh[/]", "", "", escape(_hardware([job.folder], root, results))


def _hardware(folders: Iterable[str], root: Path, results: Path) -> str:
    """The machines that made these artifacts, as far as it is on record here."""
    run_records = [runs.load(folder, root, results) for folder in folders]
    return "; ".join(sorted({run["hardware"] for run in run_records if run}))


def show(renderable: Tree | Table) -> None:
    """Print on the terminal; in a pipe, as wide as it is."""
    console = Console(emoji=False)
    if not console.is_terminal:
        console = Console(emoji=False, width=1000)
    console.print(renderable, highlight=False)


def _record(results: Path, cell: str) -> dict[str, Any] | None:
    try:
        return records.load(paths.record(results, "cell", cell))
    except (OSError, ValueError):
        return None


def _state(cell: Job, record: dict[str, Any] | None, *bases: Path) -> str:
    if record is None:
        return "[yellow]not made yet[/]"
    if record["key"] != cell.key:
        return "[red]stale[/]"
    changed = changed_below(cell, *bases)
    return f"[green]fresh[/], [red]but code of {', '.join(changed)} changed since[/]" if changed else "[green]fresh[/]"


def _add(
    tree: Tree, role: str, job: Job, bases: tuple[Path, Path], before: str | None, read: str | None = None
) -> None:
    """Add an artifact below `tree`. `bases`: the study's folders of artifacts and of results.

    `before` is the folder that stood in its place when what is above it was made, `read` the digest that its
    manifest had then.
    """
    root, _ = bases
    branch = tree.add(f"{escape(role)}: [bold]{escape(job.folder)}[/]")
    if before not in (None, job.folder):
        _add_differences(branch, job, root, before)
    try:
        artifact = artifacts.manifest(root, job.folder)
    except KeyfiltersError:
        branch.add("not here; `dvc pull` fetches what was recorded" if before == job.folder else "not made yet")
        return
    manifest, description = artifact.manifest, artifact.description
    run = runs.load(job.folder, *bases)
    if run:
        branch.add(f"made {run['started']} in {run['seconds']} s on {escape(run['hardware'])}")
        software = ", ".join(f"{name} {version}" for name, version in run["software"].items())
        branch.add(f"software: {escape(software)}")
    else:
        branch.add("not made here: when, where and with what software is not on record")
    for stage in changed_since(job.folder, *bases):
        branch.add(f"[red]code of {stage} changed since[/]")
    branch.add(f"code: version {description['version']} of the stage {job.stage}")
    for line in _settings(description["settings"]):
        branch.add(line)
    for name, digest in manifest["files"].items():
        branch.add(f"{escape(name)}: sha256 {digest}")
    if read:
        branch.add(f"manifest when it was read: sha256 {read}")
    for input_role, input_job in job.inputs.items():
        _add(branch, input_role, input_job, bases, input_job.folder, manifest["inputs"][input_role])


def _add_differences(branch: Tree, job: Job, root: Path, before: str) -> None:
    """Say in what `job` differs from the artifact in the folder `before`."""
    old = described(root, before)
    if old is None:
        branch.add(f"[red]was {escape(before)}, whose manifest is gone, so what differs cannot be told[/]")
        return
    for difference in differences(old, job, root):
        branch.add(_difference(difference))


def _difference(difference: Difference) -> str:
    return f"[red]{escape(str(difference))}[/]"


def _settings(settings: Mapping[str, Any]) -> Iterator[str]:
    """The settings that stand alone in one line, each section in one of its own."""
    sections = {name: value for name, value in settings.items() if isinstance(value, Mapping)}
    alone = {name: value for name, value in settings.items() if name not in sections}
    for name, section in (("settings", alone), *sections.items()):
        values = ", ".join(f"{key} {json.dumps(value)}" for key, value in section.items() if value is not None)
        yield escape(f"{name}: {values.replace(chr(34), '')}")
