"""How long the rest of a run takes, from what its jobs cost before.

A job's cost is what it took here, in the present folder of artifacts; else what the records committed with the results
say; else the mean of its kind, scaled by what `resources` knows of the work in each. As soon as jobs of a kind have
ended here, the others' costs are scaled by the ratio of what those took here to what they were expected to take, so
that records of another machine do. Where nothing of the kind was recorded, the cost is unknown, and said to be.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

from keyfilters.planning import resources
from keyfilters.planning.schedule import longest_ways
from keyfilters.running.display import roughly
from keyfilters.running.progress import seconds_left
from keyfilters.store import runs
from keyfilters.store.identity import Job
from keyfilters.study.jobs import KEYED
from keyfilters.study.tables import OUTPUTS

TABLES = "tables and figures"
LABELS = (*KEYED, "filterdb", "filters", "cell", TABLES)

Costs = Mapping[str, float]  # seconds, or whatever goes with them, by job


@dataclass(frozen=True)
class Remaining:
    """Seconds that the jobs of known cost still take, None where that is known of none; and how many are not known."""

    seconds: float | None
    unknown: int

    def __str__(self) -> str:
        if self.unknown:
            if self.seconds is None or self.seconds < 1:
                return "time left not known"
            jobs = "1 job" if self.unknown == 1 else f"{self.unknown} jobs"
            return f"at least {roughly(self.seconds)} left, beside {jobs} of unknown cost"
        if self.seconds is None:
            return "nothing left"
        return f"{roughly(self.seconds)} left" if self.seconds >= 1 else "about to end"


def completed(known: Costs, weights: Costs) -> dict[str, float]:
    """`known`, and for each other job of `weights` its weight times the mean of what is known per weight; nothing where
    nothing is known."""
    both = known.keys() & weights.keys()
    if not both:
        return dict(known)
    weight = sum(weights[job] for job in both)
    rate = sum(known[job] for job in both) / weight if weight else 1.0  # cells took no time that was measured, say
    return {job: rate * own for job, own in weights.items()} | dict(known)


def estimated(weights: Costs, elsewhere: Costs, here: Costs) -> dict[str, float]:
    """What each job of one kind costs here, in seconds; those of which nothing can be said are left out.

    `weights`: the work in each, in any unit. `elsewhere`, `here`: recorded seconds, each of some jobs.
    """
    expected = completed(elsewhere, weights)
    return completed(here, expected or weights) or expected


def remaining(
    seconds: Mapping[str, float | None],
    needs: Mapping[str, Iterable[str]],
    slots: Sequence[tuple[Collection[str], int]],
) -> Remaining:
    """What is left of jobs that wait or run, of which `seconds` are left each (None: not known), and that need others.

    `slots`: sets of jobs, with how many of the set may run at a time. The time is that of the set which is busy
    longest, at least that of the longest chain: no schedule is shorter.
    """
    known = {job: left for job, left in seconds.items() if left is not None}
    unknown = len(seconds) - len(known)
    if not known:
        return Remaining(None, unknown)
    inside = {job: [needed for needed in needs.get(job, ()) if needed in known] for job in known}
    chain = max(longest_ways(known, inside).values())
    busy = (sum(known[job] for job in known.keys() & members) / max(1, places) for members, places in slots)
    return Remaining(max([chain, *busy]), unknown)


def label(rule: str) -> str:
    """What a rule or a stage is called where jobs are counted: tables and figures, which have a rule each, are one."""
    return TABLES if rule in OUTPUTS else rule.removesuffix("_set")


def counted(done: Iterable[str], planned: Iterable[str]) -> dict[str, tuple[int, int]]:
    """How many of the planned jobs are done by label, in the order in which one needs the other."""
    done, planned = Counter(done), Counter(planned)
    return {rule: (done[rule], planned[rule]) for rule in sorted(planned, key=lambda rule: (*LABELS, rule).index(rule))}


def kind(job: Job) -> str:
    """What a job's cost is compared within: trainings, whether of base models or of transfers; tables and figures; any
    other stage."""
    if job.stage in ("train", "transfer"):
        return "training" if "training" in job.settings else "pretrained"
    return "table" if job.stage in OUTPUTS else job.stage


class Recorded:
    """What jobs cost by the records of the study's artifacts below `root` and those in `results`.

    Records are read when a cost is asked for: a run that draws nothing, in a log or on SLURM, reads none.
    """

    def __init__(self, jobs: Iterable[Job], root: Path, results: Path) -> None:
        self.root, self.results = root, results
        self.jobs = {job.folder: job for job in jobs}

    @cached_property
    def here(self) -> dict[str, float]:
        """Recorded seconds of what was made here, by the job's folder."""
        return {folder: run["seconds"] for folder in self.jobs if (run := runs.load(folder, self.root))}

    @cached_property
    def elsewhere(self) -> Costs:
        """Recorded seconds of what was made where the results come from."""
        return {folder: run["seconds"] for folder, run in self._runs_elsewhere.items()}

    @cached_property
    def weights(self) -> Mapping[str, Costs]:
        """The work in each job, by the kind of job."""
        on_gpu = any("gpu_seconds" in run for run in self._runs_elsewhere.values())
        weights: dict[str, dict[str, float]] = defaultdict(dict)
        for folder, job in self.jobs.items():
            weights[kind(job)][folder] = _work(job, self.root, on_gpu)
        return weights

    @cached_property
    def _runs_elsewhere(self) -> Mapping[str, Mapping[str, Any]]:
        return {folder: run for folder in self.jobs if (run := runs.load(folder, self.results))}

    def look(self, folder: str) -> None:
        """Read the record of the job `folder`, which may have ended by now."""
        if run := runs.load(folder, self.root):
            self.here[folder] = run["seconds"]

    def costs(self) -> dict[str, float]:
        """Seconds by the job's folder; those that are not known are left out."""
        costs = {}
        for weights in self.weights.values():
            costs |= estimated(weights, _of(self.elsewhere, weights), _of(self.here, weights))
        return costs


def _of(costs: Costs, jobs: Collection[str]) -> Costs:
    return {job: costs[job] for job in costs.keys() & jobs}


def _work(job: Job, root: Path, on_gpu: bool) -> float:
    """What the cost of a job goes with among its kind: images and network of a training, images of a set."""
    if kind(job) == "training":
        return resources.training_seconds(job, root, on_gpu)
    return resources.image_count(job, root) if job.stage == "prepare" else 1.0


class Run:
    """The jobs of a run by whatever names them, `needs` by the same names, and what they cost by `recorded`."""

    def __init__(self, jobs: Mapping[Any, Job], needs: Mapping[Any, Iterable[Any]], recorded: Recorded) -> None:
        self.jobs, self.needs, self.recorded = jobs, needs, recorded

    def left(
        self,
        done: Mapping[Any, float | None],
        running: Mapping[Any, tuple[str, float]],
        slots: Sequence[tuple[Collection[Any], int]],
    ) -> Remaining:
        """What is left where some jobs are `done`, each with the seconds that it took from its start to its end if
        they are known, and others are `running`, each with the last line of its log and the seconds since it began.

        `slots` as in `remaining`.
        """
        ended = [(self.jobs[name], seconds) for name, seconds in done.items() if name in self.jobs]
        for job, _ in ended:
            if job.folder not in self.recorded.here:
                self.recorded.look(job.folder)
        costs = self.recorded.costs()
        start_up = self.start_ups(ended)
        left = {
            name: costs[job.folder] + start_up(job) if job.folder in costs else None
            for name, job in self.jobs.items()
            if name not in done
        }
        for name in left.keys() & running.keys():
            line, since = running[name]
            cost, logged = left[name], seconds_left(line)
            left[name] = logged if logged is not None else None if cost is None else max(0.0, cost - since)
        return remaining(left, self.needs, slots)

    def start_ups(self, ended: Iterable[tuple[Job, float | None]]) -> Callable[[Job], float]:
        """What jobs take beside what is recorded of them, before they begin and after they have ended: the median of
        those of a kind, or of all, that `ended`."""
        beside = defaultdict(list)
        for job, seconds in ended:
            if seconds is not None and job.folder in self.recorded.here:
                beside[kind(job)].append(max(0.0, seconds - self.recorded.here[job.folder]))
        of_kind = {name: median(values) for name, values in beside.items()}
        of_all = median([value for values in beside.values() for value in values] or [0.0])
        return lambda job: of_kind.get(kind(job), of_all)
