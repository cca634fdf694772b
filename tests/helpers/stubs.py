"""A study whose artifacts and results are stubs of the right form: right keys, empty files, nothing trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from keyfilters.results.cell import cell
from keyfilters.store import artifacts, records, runs
from keyfilters.store.files import write_text
from keyfilters.store.identity import Job
from keyfilters.study import jobs
from keyfilters.study.study import Study
from keyfilters.training.testing import facts_of_test

STAGES = ("prepare", "train", "transfer")
HALF = np.arange(100) < 50  # of a hundred test images


def configuration(targets: int, sources: int) -> dict[str, Any]:
    """Settings of a study called tiny, with Table 7 and a Table 2 of that many rows and columns."""
    sets = [f"set{number:02}" for number in range(sources)]
    study = {
        "image_size": 32,
        "seeds": [0],
        "model": {"architecture": "convnext_femto"},
        "training": {"epochs": 2, "batch_size": 16, "learning_rate": 0.01},
        "models": {},
        "training_of": {},
        "transfer": {},
        "lowres": {},
        "datasets": {
            name: {"source": "archive", "path": f"{name}.tar", "sha256": f"{number:064x}"}
            for number, name in enumerate(sets)
        },
        "tables": {"table7": {}, "table2": {"targets": sets[:targets]}},
        "zoo": {},
        "analysis": {},
    }
    return {"study": "tiny", "cache": None, "studies": {"tiny": study}}


def make(study: Study, root: Path, results: Path, right: Callable[[Job], np.ndarray] = lambda _: HALF) -> None:
    """Everything that the study names, below `root` and `results`; `right`: which test images a training got right."""
    for job in sorted(jobs.keyed(study).values(), key=lambda job: STAGES.index(job.stage)):
        with artifacts.write(root, job.description) as draft:
            (draft.path / "stub").write_bytes(b"")
            draft.facts.update(_facts(job, right))
    for name, job in jobs.cells(study).items():
        cell(job.description, root, results / f"cells/{name}.json")
    for name, job in jobs.tables(study).items():
        files = [results / f"tables/{name}.{suffix}" for suffix in ("csv", "paper.csv", "md", "png", "svg")]
        for file in files:
            write_text(file, "stub\n")
        records.record(results / f"tables/{name}.json", job.key, {"title": name}, files)


def run_record(base: Path, folder: str, **parts: Any) -> None:
    """How a job went that made an artifact or result, with `parts` as they should be."""
    run = {"started": "2026-01-01T00:00:00+00:00", "seconds": 1.0, "hardware": "a processor", "software": {}}
    write_text(runs.path(base, folder), json.dumps(run | parts))


def _facts(job: Job, right: Callable[[Job], np.ndarray]) -> dict[str, Any]:
    if job.stage == "prepare":
        return {"name": job.name, "title": job.name, "train": 10, "test": len(HALF), "classes": ["a", "b"]}
    facts = facts_of_test(right(job)) | {"dataset": _facts(job.inputs["dataset"], right) | {"classes": 2}}
    return facts | ({"source": _facts(job.inputs["source"], right)["dataset"]} if "source" in job.inputs else {})
