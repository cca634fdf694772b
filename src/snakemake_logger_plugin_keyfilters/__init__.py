"""Snakemake's output in a terminal: how far the run is and how long it still takes, jobs done of all by rule, and how
far each running job is. Where stderr is no terminal, in a log or under SLURM, Snakemake writes its own lines.

Either way a run ends with what was made, how long that took and where to look. Snakemake finds the package by its name
(`logger: keyfilters` in the profile).
"""

from __future__ import annotations

import logging
import sys
import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from keyfilters.planning.remaining import Remaining, Run, counted, label
from keyfilters.running import logs
from keyfilters.running.display import Picture, clock, where

AGAIN = 10  # seconds after which what is left is estimated again, though no job ended


@dataclass(frozen=True)
class Following:
    """What the Snakefile says of a run: its study, the folder of its results, its jobs by Snakemake's number.

    `slots` as in `remaining.remaining`; none: as many jobs as were seen at a time.
    """

    study: str
    results: Path
    run: Run
    slots: Sequence[tuple[Collection[int], int]]


class LogHandler(LogHandlerBase):
    """Counts jobs by rule; in a terminal draws them, and below them the last line of each running job's log."""

    writes_to_file = False
    has_filter = False
    has_formatter = False
    needs_rulegraph = False

    def __post_init__(self) -> None:
        self.console = Console(stderr=True)
        self.planned: Counter[str] = Counter()
        self.done: dict[int, str] = {}  # labels by Snakemake's number, as the jobs ended
        self.running: dict[int, Any] = {}
        self.failed: dict[int, Sequence[str]] = {}  # logs
        self.since: dict[int, float] = {}
        self.took: dict[int, float] = {}
        self.most = 1
        self.began = time.monotonic()
        self.live: Live | None = None
        self.following: Following | None = None
        self.estimate: tuple[Remaining, float, int] | None = None

    @property
    def writes_to_stream(self) -> bool:
        return sys.stderr.isatty() and not self.common_settings.dryrun

    def follow(self, following: Following) -> None:
        """Say from now on how long the run still takes, and at its end where its results are."""
        self.following = following

    def emit(self, record: Any) -> None:
        """Take one of Snakemake's messages; in a terminal, what is no event of a job is printed if it is a warning."""
        event = getattr(record, "event", None)
        if event == LogEvent.RUN_INFO:
            self.start(record.stats)
        elif event == LogEvent.JOB_INFO:
            self.running[record.jobid] = record
            self.since[record.jobid] = time.monotonic()
        elif event == LogEvent.JOB_FINISHED:
            self.finish(record.job_id)
        elif event == LogEvent.JOB_ERROR:
            self.running.pop(record.jobid, None)
            self.failed[record.jobid] = record.log
            self.print(record)
        elif record.levelno >= logging.WARNING or (not self.live and event is None):
            self.print(record)

    def print(self, record: Any) -> None:
        if self.writes_to_stream:
            self.console.print(self.format(record), highlight=False)

    def start(self, stats: dict[str, int]) -> None:
        """Count and draw from now on; `stats` counts the planned jobs by rule."""
        for rule, count in stats.items():
            if _makes(rule):
                self.planned[label(rule)] += count
        self.began = time.monotonic()
        # Once a second: with a bar for each of fifty rules, four times take 4 % of a core for as long as jobs run.
        if self.writes_to_stream:
            self.live = Live(get_renderable=self.picture, console=self.console, refresh_per_second=1)
            self.live.start()

    def finish(self, jobid: int) -> None:
        """Count a job that ended well."""
        record = self.running.pop(jobid, None)
        self.failed.pop(jobid, None)
        if record and _makes(record.rule_name):
            self.took[jobid] = time.monotonic() - self.since[jobid]
            self.done[jobid] = label(record.rule_name)

    def picture(self) -> Picture:
        """What is drawn."""
        lines = [last_line(record) for record in list(self.running.values())]
        whole = [f"{len(self.done)} of {self.planned.total()} jobs", f"{clock(time.monotonic() - self.began)} so far"]
        if self.following:
            whole.append(str(self.left(self.following)))
            whole[0] = f"{self.following.study}: {whole[0]}"
        return Picture(", ".join(whole), counted(list(self.done.values()), self.planned.elements()), lines)

    def left(self, following: Following) -> Remaining:
        """What is left, estimated when a job ended and now and then; between that time simply passes."""
        now, done = time.monotonic(), len(self.done)
        if not self.estimate or self.estimate[2] != done or now > self.estimate[1] + AGAIN:
            # A job that SLURM keeps in its queue has no log yet.
            begun = {
                jobid: (last_line(record), now - self.since[jobid])
                for jobid, record in list(self.running.items())
                if any(Path(log).exists() for log in record.log)
            }
            self.most = max(self.most, len(begun))
            slots = following.slots or [(following.run.jobs, self.most)]
            # From elsewhere, how long a job took counts its time in a queue.
            ended = {jobid: self.took[jobid] if following.slots else None for jobid in list(self.done)}
            self.estimate = following.run.left(ended, begun, slots), now, done
        left, at, _ = self.estimate
        return left if left.seconds is None else Remaining(max(0.0, left.seconds - (now - at)), left.unknown)

    def close(self) -> None:
        if self.live:
            self.live.stop()
        if self.following and self.planned:
            for line in summary(self, self.following):
                print(line, file=sys.stderr)
            self.following = None
        super().close()


def summary(handler: LogHandler, following: Following) -> list[str]:
    """The end of a run: what was made and how long that took, where to look, and what failed why."""
    done, planned = len(handler.done), handler.planned.total()
    by_rule = counted(handler.done.values(), handler.planned.elements()).items()
    counts = ", ".join(f"{count} {rule}" for rule, (count, _) in by_rule if count)
    took = clock(time.monotonic() - handler.began)
    lines = [f"{following.study}: {done} of {planned} jobs done in {took}{f' ({counts})' if counts else ''}"]
    lines.append(where(following.results))
    for files in handler.failed.values():
        for file in files:
            ended = logs.end(Path(file))
            lines.append(f"failed: {file}{f': {ended[-1]}' if ended else ''}")
    if done < planned:
        lines.append("what is done stays; run the same again to go on")
    return lines


def last_line(record: Any) -> str:
    """The last line of a running job's log, or the job's name while the log is empty."""
    name = " ".join(dict.fromkeys([record.rule_name, *record.wildcards.values()]))
    for log in record.log:
        lines = logs.end(Path(log))
        if lines:
            return lines[-1]
    return name


def _makes(rule: str) -> bool:
    """Whether a rule makes something, other than those that only name what they want."""
    return rule not in ("all", "total") and not rule.startswith("all_")
