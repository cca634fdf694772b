"""`keyfilters status --watch`: the display of Snakemake's own terminal, drawn from files alone, again and again."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.live import Live

from keyfilters.planning.remaining import Recorded, Run, counted, label
from keyfilters.planning.status import Files, Progress, needed
from keyfilters.running.display import Picture, where
from keyfilters.study import jobs
from keyfilters.study.study import Study


class Watch:
    """How far the study `name` is, whose artifacts lie below `root`: all its results, and what these still need."""

    def __init__(self, study: Study, name: str, root: Path, results: Path, logs: Path) -> None:
        self.name, self.results = name, results
        self.folders = (name, root, results, logs)
        # A set of filters is called by its name alone, as in `paths.record`.
        self.targets = {target.removeprefix("filterdb/"): job for target, job in jobs.everything(study).items()}
        self.jobs = jobs.named(self.targets.items())
        needs = {job_name: [needed for needed, _ in jobs.named_inputs(job)] for job_name, job in self.jobs.items()}
        self.run = Run(self.jobs, needs, Recorded(self.jobs.values(), root, results))
        self.progress: dict[str, Progress] = {}
        self.since: dict[str, float] = {}
        self.most = 1  # jobs seen running at a time

    def look(self) -> None:
        """Read the files once more. What rests below something finished is not needed any more: it counts as done."""
        files = Files(*self.folders)
        files.progress = {name: now for name, now in self.progress.items() if now.state == "done"}
        self.progress = dict.fromkeys(self.jobs, Progress("done")) | needed(self.targets.items(), files)
        now = time.monotonic()
        self.since = {name: self.since.get(name, now) for name in self.of("running")}
        self.most = max(self.most, len(self.since))

    def of(self, state: str) -> dict[str, Progress]:
        """The jobs in one of `status.STATES`."""
        return {name: now for name, now in self.progress.items() if now.state == state}

    @property
    def ended(self) -> bool:
        """Whether nothing runs, and nothing waits."""
        return not self.of("running") and not self.of("waiting")

    def whole(self) -> str:
        """How far all is, in a line."""
        running, done = self.of("running"), dict.fromkeys(self.of("done"))
        began = {name: (now.line, time.monotonic() - self.since[name]) for name, now in running.items()}
        left = self.run.left(done, began, [(self.jobs, self.most)])
        failed = len(self.of("failed"))
        states = f"{len(running)} running{f', {failed} failed' if failed else ''}"
        return f"{self.name}: {len(done)} of {len(self.jobs)} jobs, {states}, {left}"

    def picture(self) -> Picture:
        """What a terminal shows."""
        labels = {name: label(job.stage) for name, job in self.jobs.items()}
        counts = counted(map(labels.__getitem__, self.of("done")), labels.values())
        lines = [now.line or name for name, now in self.of("running").items()]
        lines += [f"failed: {name}: {now.line}" for name, now in self.of("failed").items()]
        return Picture(self.whole(), counts, lines)


def watch(watched: Watch, console: Console, seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Draw how far `watched` is, every few seconds, until nothing is left; where `console` is no terminal, print a line
    whenever it has changed instead."""
    live = Live(console=console, auto_refresh=False) if console.is_terminal else None
    printed = ""
    with live or nullcontext():
        while True:
            watched.look()
            if live:
                live.update(watched.picture(), refresh=True)
            elif (whole := watched.whole()) != printed:
                print(f"{datetime.now():%H:%M:%S} {whole}", flush=True)
                printed = whole
            if watched.ended:
                break
            sleep(seconds)
    print(where(watched.results))
