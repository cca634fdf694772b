"""`keyfilters site`: a study's results as a folder of plain pages, in which every number leads to its ancestry.

The pages need no server and no network. Nothing is computed here: what is shown was read by `StudyResults`.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from keyfilters.errors import KeyfiltersError
from keyfilters.reports.study_results import Result, StudyResults
from keyfilters.reports.templates import page_of_artifact, page_of_cell, page_of_output, percent, render
from keyfilters.running import logs
from keyfilters.store.identity import Job

MARKER = ".keyfilters-site"  # a folder with this file was written here, so it may be replaced
SUFFIXES = (".csv", ".paper.csv", ".md", ".svg", ".png", ".json")
LINES = 60  # of a log that are shown


def site(studies: Iterable[StudyResults], folder: Path) -> Path:
    """Write the site of the studies that have results to `folder`, whole or not at all; returns its first page.

    Raises KeyfiltersError if no study has results, or if something else lies in `folder`.
    """
    studies = [study for study in studies if study.recorded]
    if not studies:
        raise KeyfiltersError("no table or figure is made yet; run `snakemake --cores all`")
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
        raise KeyfiltersError(f"{folder}: holds something else than such a site; name another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent) as partial:
        draft = Path(partial) / "site"
        (draft / MARKER).parent.mkdir()
        (draft / MARKER).touch()
        for name in ("site.css", "site.js"):
            (draft / name).write_text(files("keyfilters.reports").joinpath("static", name).read_text())
        for study in studies:
            _Pages(study, draft).write()
        _write(draft / "index.html", "studies.html", root="", study=None, studies=studies)
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    return folder / "index.html"


class _Pages:
    """The pages of one study, below `<folder>/<study>`."""

    def __init__(self, study: StudyResults, folder: Path) -> None:
        self.study, self.folder = study, folder / study.name
        self.cells = sorted({cell.name for output in study.recorded for cell in study.cells_of(output) if cell.record})
        self.users: dict[str, list[tuple[str, str]]] = {}  # by artifact, what is made from it: label and page
        for output in study.recorded:
            for job in output.job.inputs.values():
                self._used(job, output.title, page_of_output(output.name))
        for name in self.cells:
            for job in study.cells[name].job.inputs.values():
                self._used(job, name, page_of_cell(name))
        for folder_, job in study.artifacts.items():
            for input_job in job.inputs.values():
                self._used(input_job, folder_, page_of_artifact(folder_))

    def _used(self, job: Job, label: str, page: str) -> None:
        users = self.users.setdefault(job.folder, [])
        if (label, page) not in users:
            users.append((label, page))

    def write(self) -> None:
        self._page(
            "index.html",
            "study.html",
            categories=self.study.by_paper,
            cost=self.study.cost([output.job for output in self.study.recorded]),
        )
        for output in self.study.outputs.values():
            self._page(page_of_output(output.name), "output.html", **self._output(output))
        for name in self.cells:
            self._page(page_of_cell(name), "cell.html", **self._cell(self.study.cells[name]))
        for name, job in self.study.artifacts.items():
            self._page(page_of_artifact(name), "artifact.html", **self._artifact(name, job))
        entries = json.dumps(list(self._searched()), ensure_ascii=False).replace("</", "<\\/")
        (self.folder / "search.js").write_text(f"window.SEARCHED = {entries};\n")

    def _page(self, path: str, template: str, **values: Any) -> None:
        depth = path.count("/")
        _write(self.folder / path, template, root="../" * (depth + 1), base="../" * depth, study=self.study, **values)

    def _output(self, output: Result) -> dict[str, Any]:
        copied = {}
        for suffix in SUFFIXES:
            file = output.file(suffix)
            if file:
                target = self.folder / "files" / file.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)
                copied[suffix] = f"files/{file.name}"
        return {
            "output": output,
            "files": copied,
            "shown": _shown(output, set(self.cells)),
            "cells": [cell for cell in self.study.cells_of(output) if cell.name in self.cells],
            "read": [job.folder for job in output.job.inputs.values() if job.folder in self.study.artifacts],
            "cost": self.study.cost([output.job]),
            "command": self.study.command(output.name),
            "log": _log(self.study.log(output.name, output.name)),
        }

    def _cell(self, cell: Result) -> dict[str, Any]:
        reference = self.study.reference(cell.name)
        tables = [output for output in self.study.recorded if cell.name in output.job.inputs]
        papers = [output.record["paper"][cell.name] for output in tables if cell.name in output.record.get("paper", {})]
        return {
            "cell": cell,
            "tables": tables,
            "paper": papers[0] if papers else None,
            "reference": self.study.cells[reference] if reference else None,
            "differences": self.study.differences(cell.name, reference) if reference else [],
            "command": self.study.command(os.path.relpath(cell.path, self.study.results.parents[1])),
            "log": _log(self.study.log("cell", cell.name)),
            "cost": self.study.cost([cell.job]),
            "describe": self._artifact,
        }

    def _artifact(self, name: str, job: Job) -> dict[str, Any]:
        manifest = self.study.manifest(job)
        return {
            "name": name,
            "job": job,
            "manifest": manifest,
            "run": self.study.run(job),
            "settings": list(flat(job.description["settings"])),
            "facts": list(flat(manifest["facts"])) if manifest else [],
            "users": self.users.get(name, []),
            "command": self.study.command(f"artifacts/{self.study.name}/{name}/manifest.json"),
            "log": _log(self.study.log(job.stage, name)),
        }

    def _searched(self) -> Iterator[tuple[str, str, str]]:
        """Label, page and what else is searched for: of tables and figures, of cells, of artifacts."""
        for output in self.study.outputs.values():
            yield output.title, page_of_output(output.name), f"{output.name} {output.output.caption}"
        for name in self.cells:
            record = self.study.cells[name].record
            sets = [record[role]["title"] for role in ("target", "source") if record.get(role)]
            yield f"{name}: {percent(record)}", page_of_cell(name), " ".join(sets)
        for name in self.study.artifacts:
            yield name, page_of_artifact(name), ""


def _shown(output: Result, cells: set[str]) -> dict[str, Any] | None:
    """The table as people see it, each number with the name of its cell if that has a page."""
    if output.record is None:
        return None
    shown = output.record.get("shown")
    if shown is None:  # recorded before records had it
        file = output.file(".csv")
        frame = pd.read_csv(file, dtype=str, keep_default_na=False) if file else pd.DataFrame()
        shown = {"columns": list(frame.columns), "rows": frame.values.tolist()}
    names = output.record.get("cells") or [[None] * (len(shown["columns"]) - 1)] * len(shown["rows"])
    rows = [
        [(text, name if name in cells else None) for text, name in zip(row, [None, *of_row], strict=True)]
        for row, of_row in zip(shown["rows"], names, strict=True)
    ]
    return {"columns": shown["columns"], "rows": rows}


def _log(path: Path) -> dict[str, Any]:
    return {"path": path, "lines": logs.end(path)[-LINES:]}


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as lines: `training.epochs` and its value."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + str(name), value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _write(path: Path, template: str, **values: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(template, **values))
