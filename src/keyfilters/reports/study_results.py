"""What lies on the disk of a study's results: tables, cells, and all that they rest on. Missing pieces are None."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from keyfilters.provenance import differences
from keyfilters.results.drawing.cells import in_words
from keyfilters.store import artifacts, runs
from keyfilters.store.files import read_json
from keyfilters.store.identity import Job, walk
from keyfilters.study import jobs, paths
from keyfilters.study.output import OUTPUTS, Output
from keyfilters.study.study import Study

VERDICTS = "claims"  # the table that stands first
REPORT = "REPORT.md"  # written by hand, in some studies' results
COSTS = ("seconds", "cpu_seconds", "gpu_seconds")


@dataclass(frozen=True)
class Cost:
    """Of some jobs: seconds of each of `COSTS`, on what, when they began; `known` of `jobs` have a run record."""

    seconds: Mapping[str, float]
    hardware: tuple[str, ...]
    started: str
    ended: str
    known: int
    jobs: int


@dataclass(frozen=True)
class Result:
    """One table, figure or cell: its job, its record (None before it is made), where that lies."""

    name: str
    job: Job
    path: Path
    record: Mapping[str, Any] | None

    @property
    def state(self) -> str:
        """`made`, `stale` (made from other settings than the study's present ones) or `not made`."""
        if self.record is None:
            return "not made"
        return "made" if self.record["key"] == self.job.key else "stale"

    @property
    def output(self) -> type[Output]:
        """The declaration of a table or figure."""
        return OUTPUTS[self.name]

    def file(self, suffix: str) -> Path | None:
        """The file of a table or figure with this suffix, such as `.paper.csv`, if it is there."""
        path = self.path.with_suffix(suffix)
        return path if path.exists() else None

    @property
    def title(self) -> str:
        return self.record["title"] if self.record else self.output.caption.rstrip(".")


class StudyResults:
    """The study `name` with its folders of artifacts (`root`), of `results` and of logs; only small files are read."""

    def __init__(self, study: Study, name: str, root: Path, results: Path, logs: Path) -> None:
        self.study, self.name, self.root, self.results, self.logs = study, name, root, results, logs

    @cached_property
    def outputs(self) -> dict[str, Result]:
        """Every table and figure that the study declares, by name."""
        return {name: self._result(name, name, job) for name, job in jobs.tables(self.study).items()}

    @cached_property
    def cells(self) -> dict[str, Result]:
        """Every cell by its name `<table>/<cell>`."""
        return {name: self._result("cell", name, job) for name, job in jobs.cells(self.study).items()}

    def _result(self, stage: str, name: str, job: Job) -> Result:
        path = paths.record(self.results, stage, name)
        return Result(name, job, path, _json(path))

    @property
    def seeds(self) -> str:
        """The study's seeds in words, and those of the tables and figures that have others."""
        seeds, own = self.study.seeds, self.study.tables.own_seeds
        names = {of: ", ".join(name for name, others in own.items() if others == of) for of in own.values()}
        words = f"seeds {in_words(seeds)}" if len(seeds) > 1 else "one seed"
        return "; ".join([words, *(f"{tables}: {in_words(of)}" for of, tables in names.items())])

    @property
    def seed_counts(self) -> str:
        """How many seeds: the fewest and the most that a table or figure has."""
        counts = {len(seeds) for seeds in (self.study.seeds, *self.study.tables.own_seeds.values())}
        return " to ".join(str(count) for count in sorted({min(counts), max(counts)}))

    @cached_property
    def only_read(self) -> int:
        """The networks whose filters the study reads, if it trains none; else 0."""
        stages = {job.stage for job in walk([output.job for output in self.outputs.values()])}
        return 0 if stages & {"train", "transfer"} else len(jobs.extracts(self.study))

    @property
    def report(self) -> str:
        """The name of the report that somebody wrote of the results, or none."""
        return REPORT if (self.results / REPORT).exists() else ""

    @property
    def recorded(self) -> list[Result]:
        """The tables and figures that are there."""
        return [output for output in self.outputs.values() if output.record]

    @property
    def by_paper(self) -> dict[str, list[Result]]:
        """The tables and figures by paper, verdicts first."""
        papers: dict[str, list[Result]] = {}
        for output in sorted(self.outputs.values(), key=lambda output: output.name != VERDICTS):
            papers.setdefault(output.output.paper, []).append(output)
        return papers

    def cells_of(self, output: Result) -> list[Result]:
        """The cells that a table or figure is made from."""
        return [self.cells[name] for name, job in output.job.inputs.items() if job.stage == "cell"]

    @cached_property
    def artifacts(self) -> dict[str, Job]:
        """All that the tables and figures which are there rest on, by the artifact's folder."""
        below = walk([output.job for output in self.recorded])
        return {job.folder: job for job in below if job.stage in jobs.KEYED}

    def manifest(self, job: Job) -> Mapping[str, Any] | None:
        """The manifest of an artifact: its own, or the copy beside the study's tables."""
        own, copy = self.manifest_paths(job)
        return _json(own) or _json(copy)

    def manifest_paths(self, job: Job) -> tuple[Path, Path]:
        """Where an artifact's own manifest lies, and the copy beside the study's tables, if they are there."""
        return self.root / job.folder / artifacts.MANIFEST, self.results / "manifests" / f"{job.folder}.json"

    def run(self, job: Job) -> Mapping[str, Any] | None:
        """How the making of an artifact went."""
        return runs.load(job.folder, self.root, self.results)

    def log(self, stage: str, name: str) -> Path:
        """Where the log of a job lies, if this machine ran it."""
        return paths.log(self.logs, self.name, stage, name)

    def cost(self, targets: Iterable[Job], stages: Collection[str] = jobs.KEYED) -> Cost:
        """What was spent on all of these stages that the targets rest on, each artifact counted once."""
        needed = [job for job in walk(targets) if job.stage in stages]
        known = [run for run in map(self.run, needed) if run]
        times = sorted(run["started"] for run in known)
        return Cost(
            {name: sum(run.get(name, 0) for run in known) for name in COSTS},
            tuple(sorted({run["hardware"] for run in known})),
            times[0] if times else "",
            times[-1] if times else "",
            len(known),
            len(needed),
        )

    def reference(self, name: str) -> str | None:
        """The cell that the cell `name` is compared with: of the same table and target, filters of the target itself
        (the row's selffer), of as many layers if they are counted; else the network with none transferred."""
        table = name.partition("/")[0]
        settings = self.cells[name].job.settings
        n = settings.get("role", {}).get("n")
        selffers, bases = [], []
        for other, cell in self.cells.items():
            candidate = cell.job.settings
            if other == name or other.partition("/")[0] != table or candidate.get("target") != settings.get("target"):
                continue
            if candidate.get("source") == candidate["target"] and candidate.get("role", {}).get("n") == n:
                selffers.append(other)
            elif "source" not in candidate:
                bases.append(other)
        is_selffer = settings.get("source") == settings.get("target")
        return next(iter(bases if is_selffer else selffers + bases), None)

    def differences(self, name: str, reference: str) -> list[differences.Difference]:
        """What differs between the trainings of two cells, at the first seed that both have."""
        one, other = self.cells[name].job.inputs, self.cells[reference].job.inputs
        common = next((role for role in one if role in other), None)
        return differences.between(other[common], one[common]) if common else []

    def command(self, target: str) -> str:
        """The command that makes a target again."""
        return f"snakemake --cores all {target} --config study={self.name}"


def _json(path: Path) -> Mapping[str, Any] | None:
    try:
        return read_json(path)
    except (OSError, ValueError):
        return None
