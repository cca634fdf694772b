"""`keyfilters reproduce`: results made anew in a folder of their own and compared with those that are recorded.

The machine that recorded them and a like one give the same bytes. Another one adds numbers in another order, so its
trainings are as good as those of another seed: an accuracy is within the tolerance if it differs by no more than two
standard errors that the choice of test images gives the difference of two accuracies; every other number by no more
than a thousandth.
"""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rich.markup import escape
from rich.table import Table

from keyfilters.errors import KeyfiltersError
from keyfilters.results.drawing.cells import percent, standard_error
from keyfilters.store import records, runs
from keyfilters.store.files import sha256
from keyfilters.store.identity import Job, walk
from keyfilters.study import jobs, paths
from keyfilters.study.study import Config, Study

FOLDER = Path("reproduced")
PARTS = ("Snakefile", "rules", "envs", "profiles", "config.yaml")  # of a project, that Snakemake reads
RELATIVE = 1e-3
STANDARD_ERRORS = 2
SHOWN = 20  # numbers that are not equal; of more it is said how many
OTHER_PROCESSOR = (
    "another kind of processor adds numbers in another order, so some trainings end otherwise, and with them what is "
    "measured of their filters; equal bytes are promised on one kind alone"
)
EQUAL, WITHIN, DIFFERENT = "equal", "within tolerance", "different"


@dataclass(frozen=True)
class Number:
    """One number of a table, or what stands in its place, as it is `recorded` and as it was `remade`."""

    name: str
    recorded: str
    remade: str
    verdict: str


@dataclass(frozen=True)
class Comparison:
    """All numbers of one result, which may be cells, and whether its files are the recorded ones byte by byte."""

    result: str
    numbers: tuple[Number, ...]
    of_cells: bool
    same_bytes: bool

    def count(self, verdict: str) -> int:
        return sum(number.verdict == verdict for number in self.numbers)

    @property
    def worst(self) -> str:
        return next((verdict for verdict in (DIFFERENT, WITHIN) if self.count(verdict)), EQUAL)

    @property
    def line(self) -> str:
        """The verdict in one line."""
        counts = ", ".join(f"{self.count(verdict)} {verdict}" for verdict in (EQUAL, WITHIN, DIFFERENT))
        bytes = "; its files are the same byte by byte" if self.same_bytes else ""
        return f"{self.result}: {self.worst}; of {len(self.numbers)} numbers {counts}{bytes}"


def results_of(study: Study, table: str | None, cell: str | None) -> dict[str, Job]:
    """What is to be made anew, by the names that people use: a cell, a table or figure, or everything.

    Raises KeyfiltersError if the study has no such table or cell.
    """
    if table is None:
        return jobs.everything(study)
    name = table if cell is None else f"{table}/{cell}"
    named = jobs.everything(study) if cell is None else jobs.cells(study)
    return {name: jobs.known(named, name)}


def record_of(results: Path, name: str, job: Job) -> Path:
    """The record of one of `results_of`."""
    return paths.record(results, job.stage, name.removeprefix("filterdb/"))


def make(project: Path, config: Config, named: Mapping[str, Job], cores: str) -> Path:
    """Make results in the folder `reproduced` of the project from their sources, with Snakemake's progress; those that
    are there and still fit the study stay. Returns the folder.

    Raises KeyfiltersError if Snakemake fails.
    """
    folder = project / FOLDER
    folder.mkdir(exist_ok=True)
    for part in {*PARTS, *_local(config.current)}:
        link = folder / part
        if not link.exists() and (project / part).exists():
            link.symlink_to((project / part).absolute())
    results = Path("results") / config.study
    targets = [str(record_of(results, name, job)) for name, job in named.items()]
    options = [f"study={config.study}", "pull=false"] + ([f"cache={config.cache.absolute()}"] if config.cache else [])
    command = [sys.executable, "-m", "snakemake", *targets, "--cores", cores, "--config", *options]
    if subprocess.run(command, cwd=folder).returncode:
        raise KeyfiltersError(f"Snakemake failed, see above and {FOLDER / 'logs'}; mend it and run the same again")
    return folder


def _local(study: Study) -> Iterator[str]:
    """Files and folders of the project that a study names by a relative path."""
    named = [dataset.path for dataset in study.sets.values()]
    named += [
        pretrained.path for model in (study.model, *study.models.values()) for pretrained in model.pretrained.values()
    ]
    return (Path(path).parts[0] for path in named if path and not Path(path).is_absolute())


def check_recorded(named: Mapping[str, Job], results: Path) -> None:
    """Raises KeyfiltersError if one of these results is missing in `results`, changed or from other settings."""
    for name, job in named.items():
        record = record_of(results, name, job)
        if not records.is_fresh(record, job.key):
            raise KeyfiltersError(
                f"{record}: missing, changed or from other settings than config.yaml's, so there is nothing to compare "
                f"with; restore it with `git checkout`, or record it with `snakemake --cores all {record}`"
            )


def compare(named: Mapping[str, Job], recorded: Path, remade: Path) -> list[Comparison]:
    """Each of these results as it is in the folder `recorded` and in the folder `remade`."""
    comparisons = []
    for name, job in named.items():
        of_result = record_of(recorded, name, job), record_of(remade, name, job)
        cells = [*_accuracies(name, job, recorded, remade)]
        files, again = map(_files, of_result)
        same = files.keys() == again.keys() and all(sha256(files[file]) == sha256(again[file]) for file in files)
        comparisons.append(Comparison(name, tuple(cells or _of_files(*of_result)), bool(cells), same))
    return comparisons


def processors(named: Mapping[str, Job], *bases: Path) -> list[str]:
    """On what the trainings ran that these results rest on, by the run records of the first of `bases` that has one."""
    trained = [job for job in walk(named.values()) if job.stage in ("train", "transfer")]
    return sorted({run["hardware"] for job in trained if (run := runs.load(job.folder, *bases))})


def _files(record: Path) -> dict[str, Path]:
    """A record and the files that it names, by name."""
    return {name: record.with_name(name) for name in (record.name, *records.load(record)["files"])}


def _accuracies(name: str, job: Job, recorded: Path, remade: Path) -> Iterator[Number]:
    """The cells of a table, or the one that is the result itself."""
    named = {name: job} if job.stage == "cell" else job.inputs
    for cell in (name for name, of in named.items() if of.stage == "cell"):
        one, other = (records.load(paths.record(results, "cell", cell)) for results in (recorded, remade))
        tolerance = STANDARD_ERRORS * math.hypot(standard_error(one), standard_error(other))
        verdict = _verdict(one["mean"], other["mean"], tolerance)
        yield Number(cell, f"{percent(one)} %", f"{percent(other)} % (± {tolerance:.1f})", verdict)


def _of_files(one: Path, other: Path) -> Iterator[Number]:
    """Every number of the tables beside two records, row by row and column by column."""
    for file in (name for name in _files(one) if name.endswith((".csv", ".parquet"))):
        tables = [_read(record.with_name(file)) for record in (one, other)]
        shapes = [f"{len(table)} rows of {', '.join(table.columns)}" for table in tables]
        if shapes[0] != shapes[1]:
            yield Number(file, *shapes, DIFFERENT)  # type: ignore[call-arg]
            continue
        for column in tables[0]:
            for row, pair in enumerate(zip(*(table[column] for table in tables), strict=True), start=1):
                yield Number(f"{file}, row {row}, {column}", *map(str, pair), _verdict_of_texts(*pair))  # type: ignore[call-arg]


def _read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path).astype(object).fillna("").astype(str)
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _verdict_of_texts(one: str, other: str) -> str:
    try:
        numbers = float(one), float(other)
    except ValueError:
        return EQUAL if one == other else DIFFERENT
    return EQUAL if one == other else _verdict(*numbers, RELATIVE * max(map(abs, numbers)))


def _verdict(one: float, other: float, tolerance: float) -> str:
    if one == other:
        return EQUAL
    return WITHIN if abs(one - other) <= tolerance else DIFFERENT


def shown(comparison: Comparison) -> Table:
    """Cells side by side; of other results the numbers that are not equal."""
    lines = [number for number in comparison.numbers if comparison.of_cells or number.verdict != EQUAL]
    most = len(lines) if comparison.of_cells else SHOWN
    table = Table(comparison.result, "recorded", "made anew", "")
    for number in lines[:most]:
        table.add_row(*map(escape, (number.name, number.recorded, number.remade, number.verdict)))
    if len(lines) > most:
        table.add_row(f"and {len(lines) - most:,} more")
    return table
