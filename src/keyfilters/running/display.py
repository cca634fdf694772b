"""How far a run is, as a terminal draws it: a line for the whole, a bar for each rule, a line for each running job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from rich.console import Console, ConsoleOptions, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

MIN_LINES = 3  # lines of running jobs, however low the terminal is
BAR = 40  # characters


def roughly(seconds: float) -> str:
    """A time in two units at most, as exactly as an estimate is worth reading."""
    minutes, hours = round(seconds / 60), round(seconds / 3600)
    if seconds < 100:
        return f"{round(seconds)} s"
    if minutes < 100:
        return f"{minutes} min"
    if hours < 48:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{hours // 24} days {hours % 24} h"


def clock(seconds: float) -> str:
    """A time in hours, minutes and seconds."""
    return str(timedelta(seconds=round(seconds)))


def where(results: Path) -> str:
    """Where to look at what a study found: its page, or how to make that."""
    page = results / "README.md"
    return f"results: {page if page.exists() else f'{results}, on one page: make page STUDY={results.name}'}"


class Picture:
    """A renderable: `whole` is a line of text, `counts` are jobs done and all of them by rule, `lines` are what the
    running jobs say. What does not fit the terminal's height is left out: finished rules first, then lines."""

    def __init__(self, whole: str, counts: Mapping[str, tuple[int, int]], lines: Sequence[str]) -> None:
        self.whole, self.counts, self.lines = whole, counts, lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = options.height or console.height
        counts = self.counts
        if len(counts) + len(self.lines) + 2 > height:
            counts = {rule: (done, all_jobs) for rule, (done, all_jobs) in counts.items() if done < all_jobs}
        yield _line(self.whole, "bold")
        bars = Table.grid(padding=(0, 1))
        for rule, (done, all_jobs) in counts.items():
            bars.add_row(rule, ProgressBar(all_jobs, done, width=BAR), Text(f"{done}/{all_jobs}", justify="right"))
        yield bars
        room = max(MIN_LINES, height - len(counts) - 2)
        shown = self.lines if len(self.lines) <= room else self.lines[: room - 1]
        yield from map(_line, shown)
        if len(shown) < len(self.lines):
            yield _line(f"and {len(self.lines) - len(shown)} more")


def _line(text: str, style: str = "") -> Text:
    return Text(text, style, no_wrap=True, overflow="ellipsis")
