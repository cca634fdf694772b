"""`keyfilters schedule`: how long each table takes on some GPUs, and which trainings decide that.

A simulation, from nothing made. A training has a GPU to itself; what it needs is finished before it starts; of those
that can start, the one with the longest way to the end comes first (list scheduling, Graham 1969; the order is
Hu's, 1961). Preparing sets and rendering tables cost nothing here.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tabulate import tabulate

from keyfilters.errors import KeyfiltersError
from keyfilters.planning import resources
from keyfilters.planning.plan import cost, counts
from keyfilters.store import artifacts, identity
from keyfilters.store.identity import Job, canonical
from keyfilters.study import jobs
from keyfilters.study.study import Study

GPUS = (1, 8, 64)


@dataclass(frozen=True)
class Schedule:
    """When all is made, in seconds, and the chain of trainings that decides it, the first one first."""

    seconds: float
    critical: tuple[str, ...]


def simulate(seconds: Mapping[str, float], needs: Mapping[str, Iterable[str]], gpus: int) -> Schedule:
    """The schedule of trainings that take `seconds` each and need others, on `gpus` GPUs.

    The critical chain goes back from the training that ends last to whatever it waited for: a training that it
    needs, or the one that had its GPU before.
    """
    rest = longest_ways(seconds, needs)
    users, missing = defaultdict(list), {}
    for name in seconds:
        missing[name] = set(needs.get(name, ()))
        for needed in missing[name]:
            users[needed].append(name)
    ready = [(-rest[name], name) for name in seconds if not missing[name]]
    heapq.heapify(ready)
    free, clock, last = gpus, 0.0, None
    running: list[tuple[float, str]] = []
    waited_for: dict[str, str | None] = {}
    while ready or running:
        while ready and free:
            _, name = heapq.heappop(ready)
            waited_for[name] = last
            heapq.heappush(running, (clock + seconds[name], name))
            free -= 1
        clock, last = heapq.heappop(running)
        free += 1
        for name in users[last]:
            missing[name].discard(last)
            if not missing[name]:
                heapq.heappush(ready, (-rest[name], name))
    chain = []
    while last:
        chain.append(last)
        last = waited_for[last]
    return Schedule(clock, tuple(reversed(chain)))


def longest_ways(seconds: Mapping[str, float], needs: Mapping[str, Iterable[str]]) -> dict[str, float]:
    """From the start of each training to the end of all that rest on it, in seconds, however many GPUs there are."""
    users, lengths = defaultdict(list), {}
    for name, needed in needs.items():
        for requirement in needed:
            users[requirement].append(name)

    def longest(name: str) -> float:
        if name not in lengths:
            lengths[name] = seconds[name] + max(map(longest, users[name]), default=0.0)
        return lengths[name]

    return {name: longest(name) for name in seconds}


def schedule(study: Study, name: str, root: Path) -> str:
    """The schedule of every table of the study `name`, whose artifacts lie below `root`, and of all, as text."""
    tables = jobs.tables(study)
    trainings = {job.folder: job for job in identity.walk(tables.values()) if "training" in job.settings}
    estimate = Estimate(study, trainings.values(), root)
    seconds = {folder: estimate.seconds(job) for folder, job in trainings.items()}
    needs = {
        folder: [needed.folder for needed in job.inputs.values() if needed.folder in trainings]
        for folder, job in trainings.items()
    }
    rows, critical = [], []
    for table, targets in {**{table: [job] for table, job in tables.items()}, "all": list(tables.values())}.items():
        folders = {job.folder for job in identity.walk(targets)} & set(trainings)
        part = {folder: seconds[folder] for folder in sorted(folders)}
        schedules = [simulate(part, {folder: needs[folder] for folder in part}, gpus) for gpus in GPUS]
        rows.append([table, len(part), *(simulated.seconds / 3600 for simulated in schedules)])
        critical.append([table, " → ".join(trainings[folder].name for folder in schedules[-1].critical)])
    headers = ["", "trainings", *(f"h on {gpus} GPU{'s' * (gpus > 1)}" for gpus in GPUS)]
    return "\n\n".join(
        [
            f"Schedule of the study {name}, at {study.image_size} px:",
            tabulate(rows, headers, floatfmt=",.2f"),
            tabulate(critical, ["", f"what decides it on {GPUS[-1]} GPUs"]),
            estimate.key_fields(),
        ]
    )


class Estimate:
    """How long trainings take: from images/s that trainings of this network at this size had in the study, else from
    the published ones of `keyfilters plan`, else the slow rate of `resources`, which only sets limits."""

    def __init__(self, study: Study, trainings: Iterable[Job], root: Path) -> None:
        trainings = list(trainings)
        datasets = {job.inputs["dataset"].name for job in trainings}
        self.sizes = {dataset: counts(study, dataset, root) for dataset in datasets}
        self.root, self.sources = root, defaultdict(int)
        rates = defaultdict(list)
        for job in trainings:
            try:
                facts = artifacts.manifest(root, job.folder).facts
            except KeyfiltersError:  # not made yet
                continue
            rates[_kind(job)].append(facts["images_per_second"])
        self.rates = {kind: median(measured) for kind, measured in rates.items()}

    def seconds(self, job: Job) -> float:
        published = cost(job, self.sizes)
        if published.images and (rate := self.rates.get(_kind(job))):
            self.sources["images/s measured in this study"] += 1
            return published.images / rate
        if published.hours is not None:
            self.sources["images/s as in `keyfilters plan`"] += 1
            return published.hours * 3600
        self.sources["the slow rate of a time limit, which counts an unprepared set as 100,000 images"] += 1
        return resources.training_seconds(job, self.root, gpu=True)

    def key_fields(self) -> str:
        return "Trainings estimated from " + "; ".join(f"{source}: {n}" for source, n in self.sources.items()) + "."


def _kind(job: Job) -> str:
    return canonical({"model": job.settings["model"], "size": job.inputs["dataset"].settings["image_size"]})
