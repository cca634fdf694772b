"""Runs every job of a study in a folder that has the job's declared inputs and nothing else.

`python isolated_jobs.py FOLDER`: the study of `FOLDER/config.yaml`; artifacts and results lie in FOLDER.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from graphlib import TopologicalSorter
from pathlib import Path

from keyfilters import cli
from keyfilters.store.artifacts import declared
from keyfilters.store.identity import Job
from keyfilters.study import jobs, paths
from keyfilters.study.study import Study, load


def named_jobs(study: Study) -> dict[str, Job]:
    """Every job of a study by what `status` calls it."""
    by_name = dict(jobs.keyed(study))
    by_name |= jobs.cells(study) | jobs.filterdb(study) | {"filters": jobs.filters(study)} | jobs.tables(study)
    return by_name


def inputs(job: Job) -> dict[str, Job]:
    """What a job declares, by the names of `named_jobs`."""
    names = {"cell": lambda role, input_job: role, "filterdb": lambda role, input_job: input_job.name}
    return {
        names[input_job.stage](role, input_job) if input_job.stage in names else input_job.folder: input_job
        for role, input_job in job.inputs.items()
    }


def outputs(folder: Path, name: str, job: Job) -> list[Path]:
    """The files that the job called `name` made below `folder`."""
    if job.stage in jobs.KEYED:
        return sorted((folder / "artifacts" / job.folder).iterdir())
    record = paths.record(folder / "results", job.stage, name)
    if job.stage in ("filterdb", "filters"):
        return sorted(record.parent.iterdir())
    return sorted(record.parent.glob(f"{record.stem}.*"))


class Isolated:
    """Runs jobs one by one below `folder`, each in a folder of its own."""

    def __init__(self, study: Study, folder: Path) -> None:
        self.study, self.folder, self.alone = study, folder, folder / "alone"
        self.named = named_jobs(study)

    def run_all(self) -> None:
        needs = {name: inputs(job) for name, job in self.named.items()}
        for name in TopologicalSorter(needs).static_order():
            self.run(name, self.named[name])

    def run(self, name: str, job: Job) -> None:
        """Run the job where there is nothing but its inputs, then put what it made to the rest."""
        shutil.rmtree(self.alone, ignore_errors=True)
        for path in (self.alone / "artifacts", self.alone / "results"):
            path.mkdir(parents=True)
        for input_name, input_job in inputs(job).items():
            for path in outputs(self.folder, input_name, input_job):
                _link(path, self.alone / path.relative_to(self.folder))
        before = Path.cwd()
        os.chdir(self.alone)
        try:
            self._run(name, job)
        finally:
            os.chdir(before)
        shutil.copytree(self.alone, self.folder, dirs_exist_ok=True, copy_function=_move)

    def _run(self, name: str, job: Job) -> None:
        root, options = Path("artifacts"), []
        arguments = [job.stage, job.as_json, str(root)]
        if job.stage == "prepare":
            options = ["--path", str(self.study.sets[job.name].path)]
        elif job.stage in ("cell", "filterdb"):
            options = [str(paths.record(Path("results"), job.stage, name))]
        elif job.stage == "filters":
            arguments.insert(1, "tables")
            options = [str(paths.record(Path("results"), job.stage, name))]
        elif job.stage not in jobs.KEYED:
            arguments[0] = "render"
            options = [str(paths.record(Path("results"), job.stage, name).with_suffix(".csv"))]
        parsed = cli.parser().parse_args([*arguments, *options])
        parsed.job = json.loads(job.as_json)
        with declared(parsed.job):
            parsed.run(parsed)


def _link(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    to.hardlink_to(path)


def _move(path: str, to: str) -> None:
    Path(path).replace(to)


if __name__ == "__main__":
    folder = Path(sys.argv[1]).absolute()
    Isolated(load(folder / "config.yaml").current, folder).run_all()
