"""The cells of a table, read back from their records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keyfilters.errors import KeyfiltersError


def load(description: Mapping[str, Any], results: Path) -> list[dict[str, Any]]:
    """The records of the cells that a table's job names, from `<results>/cells`.

    Raises KeyfiltersError if one is missing or was made from other settings than the job's.
    """
    found = []
    for name, folder in description["inputs"].items():
        path = results / "cells" / f"{name}.json"
        try:
            record = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise KeyfiltersError(f"{path}: no readable cell ({error}); run `snakemake {path}`") from None
        if record["key"] != folder.rpartition("-")[2]:
            raise KeyfiltersError(f"{path}: made from other settings; run `snakemake {path}`")
        found.append(record)
    return found


def by_size(datasets: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The distinct sets among `datasets` in the papers' order: by descending number of training pictures."""
    distinct = {dataset["name"]: dict(dataset) for dataset in datasets}
    return sorted(distinct.values(), key=lambda dataset: (-dataset["train"], dataset["name"]))


def percent(record: Mapping[str, Any]) -> str:
    """`87.6`, or `87.6 ± 0.3` where the cell has more than one seed."""
    spread = "" if record["spread"] is None else f" ± {record['spread']:.1f}"
    return f"{record['mean']:.1f}{spread}"


def basis(records: list[Mapping[str, Any]], study: str) -> str:
    """One sentence that says what the numbers rest on: study, n, seeds, hardware, software."""
    runs = [run for record in records for run in record["runs"]]
    seeds = sorted({run["seed"] for run in runs})
    hardware = "; ".join(sorted({run["hardware"] for run in runs}))
    versions = ", ".join(sorted({f"torch {run['torch']}" for run in runs}))
    counts = ", ".join(str(n) for n in sorted({record["n"] for record in records}))
    return (
        f"Study `{study}`, {len(runs)} trainings, n = {counts} a cell (seeds {', '.join(map(str, seeds))}); "
        f"top-1 on the test pictures after the last epoch, in percent; {hardware}; {versions}."
    )
