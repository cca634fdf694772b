"""Where the records, logs and descriptions of a study's jobs lie; rules, `status` and `explain` share it.

Names may be patterns of a rule, such as `{table}/{cell}`.
"""

from __future__ import annotations

from pathlib import Path

from keyfilters.store.identity import Job
from keyfilters.study.jobs import KEYED
from keyfilters.study.tables import OUTPUTS


def record(results: Path, stage: str, name: str) -> Path:
    """The record of a cell `<table>/<cell>`, of a set of filters (stage `filterdb`), of the tables of the filter store
    (`filters`), or of a table or figure.

    Its other files lie beside it: those of a table or figure under the same name.
    """
    if stage == "cell":
        return results / "cells" / f"{name}.json"
    if stage == "filterdb":
        return results / "filterdb" / name / "tables.json"
    if stage == "filters":
        return results / "filters" / "filters.json"
    return results / f"{OUTPUTS[stage].kind}s" / f"{name}.json"


def log(logs: Path, study: str, stage: str, name: str) -> Path:
    """The log of a job; the `name` of an artifact is its folder, `<stage folder>/<name>-<key>`."""
    if stage in KEYED:
        return logs / f"{name}.log"
    if stage in ("cell", "filterdb"):
        return logs / stage / study / f"{name}.log"
    return logs / stage / f"{study}.log"


def description(job: Job) -> Path:
    """The file from which a job that Snakemake runs reads its description, on whatever node."""
    return Path(".snakemake/keyfilters", f"{job.folder}.json")
