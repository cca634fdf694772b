"""Seconds of a `snakemake` that has nothing to do."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from benchmarks.report import PROJECT, Report, Sample, installed, mini, output_of
from keyfilters.store import records
from keyfilters.study import jobs, paths

PARTS = ("Snakefile", "config.yaml", "rules", "profiles", "envs")
NOTE = (
    "`snakemake --cores all` in a copy of the project where empty files stand for all artifacts and tables of the "
    "mini study. After one call to fill the disk's cache."
)


def report(rounds: int) -> Report:
    """Wall seconds of `snakemake --cores all` with the mini study complete."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        for part in PARTS:
            source = PROJECT / part
            (shutil.copytree if source.is_dir() else shutil.copy)(source, project / part)
        _complete(project)
        sample = Sample(tuple(_seconds(project) for _ in range(rounds + 1))[1:])
    return Report("Idle snakemake", [{"seconds": sample.text(".2f"), "n": rounds}], [NOTE], {"seconds": sample.numbers})


def _complete(project: Path) -> None:
    """Files of the right names and keys for everything that the mini study makes."""
    study, results = mini(), project / "results/mini"
    for job in jobs.keyed(study).values():
        manifest = project / "artifacts/mini" / job.folder / "manifest.json"
        manifest.parent.mkdir(parents=True)
        manifest.touch()
    for name, job in {**jobs.cells(study), **jobs.everything(study)}.items():
        record = paths.record(results, job.stage, name.removeprefix("filterdb/"))
        records.record(record, job.key, {})
        for suffix in (".csv", ".paper.csv", ".md", ".svg", ".png"):
            record.with_suffix(suffix).touch()


def _seconds(project: Path) -> float:
    began = time.perf_counter()
    printed = output_of([installed("snakemake"), "--cores", "all"], folder=project)
    seconds = time.perf_counter() - began
    if "Nothing to be done" not in printed:
        raise RuntimeError(f"snakemake found something to do, so this was no idle call:\n{printed[-2000:]}")
    return seconds
