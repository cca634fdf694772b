"""Snakemake's output in a terminal: jobs done of all by rule, and how far each running job is.

Snakemake finds the package by its name (`logger: keyfilters` in the profile). Where stderr is no terminal,
in a log or under SLURM, nothing changes: Snakemake writes its own lines.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from keyfilters.running import logs


class LogHandler(LogHandlerBase):
    """Draws a bar per rule, and below it a line per running job: the last line of the job's log."""

    writes_to_file = False
    has_filter = False
    has_formatter = False
    needs_rulegraph = False

    def __post_init__(self) -> None:
        self.console = Console(stderr=True)
        self.bars = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self.tasks: dict[str, int] = {}
        self.running: dict[int, Any] = {}
        self.live: Live | None = None

    @property
    def writes_to_stream(self) -> bool:
        return sys.stderr.isatty() and not self.common_settings.dryrun

    def emit(self, record: Any) -> None:
        """Take one of Snakemake's messages; what is no event of a job is printed if it is a warning."""
        if not self.writes_to_stream:
            return
        event = getattr(record, "event", None)
        if event == LogEvent.RUN_INFO:
            self.start(record.stats)
        elif event == LogEvent.JOB_INFO:
            self.running[record.jobid] = record
        elif event == LogEvent.JOB_FINISHED:
            self.finish(record.job_id)
        elif event == LogEvent.JOB_ERROR:
            self.running.pop(record.jobid, None)
            self.console.print(self.format(record), highlight=False)
        elif record.levelno >= logging.WARNING or (not self.live and event is None):
            self.console.print(self.format(record), highlight=False)

    def start(self, stats: dict[str, int]) -> None:
        """Draw from now on; `stats` counts the planned jobs by rule."""
        for rule, count in stats.items():
            if rule not in ("all", "total"):
                self.tasks[rule] = self.bars.add_task(rule, total=count)
        # Once a second: with a bar for each of fifty rules, four times take 4 % of a core for as long as jobs run.
        self.live = Live(get_renderable=self.picture, console=self.console, refresh_per_second=1)
        self.live.start()

    def finish(self, jobid: int) -> None:
        """Count a job that ended well."""
        record = self.running.pop(jobid, None)
        if record and record.rule_name in self.tasks:
            self.bars.advance(self.tasks[record.rule_name])

    def picture(self) -> Group:
        """What is drawn: the bars, then the running jobs."""
        lines = [last_line(record) for record in self.running.values()]
        return Group(self.bars, *(Text(line, no_wrap=True, overflow="ellipsis") for line in lines))

    def close(self) -> None:
        if self.live:
            self.live.stop()
        super().close()


def last_line(record: Any) -> str:
    """The last line of a running job's log, or the job's name while the log is empty."""
    name = f"{record.rule_name} {' '.join(record.wildcards.values())}"
    for log in record.log:
        lines = logs.end(Path(log))
        if lines:
            return lines[-1]
    return name
