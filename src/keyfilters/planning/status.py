"""`keyfilters status`: how far a study is, and what it cost. Reads files only, so any machine that sees them will do.

A job is done when its manifest, or the record of its cell or table, is there. Else it runs while it gives signs of
life (`heartbeat`). It failed if its log ends in an error, or if it is silent and left its folder. Otherwise it waits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from keyfilters.errors import GOES_ON
from keyfilters.provenance import changed_code
from keyfilters.running import heartbeat, logs
from keyfilters.store import artifacts, records, runs
from keyfilters.store.identity import Job
from keyfilters.study import jobs, paths
from keyfilters.study.study import Study

STATES = ("done", "running", "waiting", "failed")
ERROR = re.compile(r"keyfilters \w+: |Traceback \(most recent call last\)")


@dataclass(frozen=True)
class Progress:
    """What the files say of a job: one of `STATES`, and the last line of its log."""

    state: str
    line: str = ""


class Files:
    """What the files of the study `name` say of its jobs: its artifacts below `root`, its `results`, all `logs`."""

    def __init__(self, name: str, root: Path, results: Path, logs: Path) -> None:
        self.name, self.root, self.results, self.logs = name, root, results, logs
        self.partials: dict[str, list[Path]] = {}  # of jobs that run or were killed, by the artifact's folder
        for path in root.glob("*/.*.partial"):
            artifact = path.name.removeprefix(".").rsplit(".", 2)[0]
            self.partials.setdefault(f"{path.parent.name}/{artifact}", []).append(path)
        self.progress: dict[str, Progress] = {}

    def look(self, name: str, job: Job) -> Progress:
        """The state of the job `name`: a table, a cell `<table>/<cell>`, a set of filters, or an artifact's folder."""
        if name not in self.progress:
            self.progress[name] = Progress("done") if self._is_done(name, job) else self._unfinished(name, job)
        return self.progress[name]

    def _is_done(self, name: str, job: Job) -> bool:
        if job.stage in jobs.KEYED:
            return (self.root / job.folder / artifacts.MANIFEST).exists()
        return records.is_fresh(paths.record(self.results, job.stage, name), job.key)

    def _unfinished(self, name: str, job: Job) -> Progress:
        log = paths.log(self.logs, self.name, job.stage, name)
        lines, left = logs.end(log), self.partials.get(name, [])
        last = lines[-1] if lines else ""
        if any(map(heartbeat.is_alive, left)) or (not lines and heartbeat.is_alive(log)):
            return Progress("running", last)
        if left:
            return Progress("failed", f"killed; {last}")
        if any(map(ERROR.match, lines)) and not last.endswith(GOES_ON):
            return Progress("failed", last)
        return Progress("waiting", last)


def status(study: Study, files: Files) -> Group:
    """A line per table that counts its jobs by state, then the running and the failed ones, and what was made with
    code that has been changed since."""
    counts = Table("table", *STATES)
    shown: dict[str, dict[str, str]] = {"running": {}, "failed": {}}
    for name, table in jobs.tables(study).items():
        progress = states(name, table, files)
        for job, now in progress.items():
            if now.state in shown:
                shown[now.state][job] = now.line
        present = [now.state for now in progress.values()]
        counts.add_row(name, *(str(present.count(state)) for state in STATES))
    changed = changed_code.lines(changed_code.made_with_other_code(study, files.root, files.results))
    return Group(counts, *(_lines(state, lines) for state, lines in shown.items() if lines), *map(escape, changed))


def states(name: str, table: Job, files: Files) -> dict[str, Progress]:
    """The table's jobs by name. What a finished one rests on is not needed any more, so it counts as done."""
    return dict.fromkeys(jobs.named([(name, table)]), Progress("done")) | needed([(name, table)], files)


def needed(targets: Iterable[tuple[str, Job]], files: Files) -> dict[str, Progress]:
    """The targets and what the unfinished ones still rest on, by name."""
    progress: dict[str, Progress] = {}
    waiting = list(targets)
    while waiting:
        name, job = waiting.pop()
        if name not in progress:
            progress[name] = files.look(name, job)
            if progress[name].state != "done":
                waiting += jobs.named_inputs(job)
    return progress


def _lines(state: str, lines: Mapping[str, str]) -> Table:
    table = Table(state, "last line of its log")
    for job, line in lines.items():
        table.add_row(escape(job), escape(line))
    return table


def cost(study: Study, root: Path, results: Path) -> Group:
    """What each artifact of the study cost, and all together: here, else where the records in `results` come from."""
    table = Table("job", "wall s", "CPU h", "GPU h", "memory MB", "GPU memory MB", "hardware")
    total = {"seconds": 0.0, "cpu_seconds": 0.0, "gpu_seconds": 0.0}
    elsewhere = 0
    for job in jobs.keyed(study).values():
        run = runs.load(job.folder, root) if (root / job.folder / artifacts.MANIFEST).exists() else None
        if not run and (run := runs.load(job.folder, results)):
            elsewhere += 1
        if run:
            table.add_row(escape(job.folder), *_costs(run), escape(run["hardware"]))
            for name in total:
                total[name] += run.get(name, 0)
    table.add_section()
    table.add_row("all", *_costs(total), "")
    note = f"Of {elsewhere} of these {table.row_count - 1} jobs nothing is recorded here: their costs are those in "
    return Group(table, *([escape(f"{note}{results / 'runs'}, of where they were made.")] if elsewhere else []))


def _costs(of: Mapping[str, Any]) -> Iterator[str]:
    """The columns of `cost`; what was not measured stays empty."""
    yield f"{of['seconds']:,.0f}"
    for name in ("cpu_seconds", "gpu_seconds"):
        yield f"{of[name] / 3600:,.3f}" if name in of else ""
    for name in ("memory_mb", "gpu_memory_mb"):
        yield f"{of[name]:,}" if name in of else ""
