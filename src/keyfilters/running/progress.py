"""How far a training or a download is: a live bar in a terminal. In a log, of a training a line an epoch, and one a
minute in long epochs; of a download one every few seconds.
"""

from __future__ import annotations

import math
import re
import sys
import time
from datetime import timedelta

SECONDS = 60  # between two lines within an epoch
SECONDS_OF_DOWNLOADS = 5  # between two lines of a download
MB = 1_000_000
LEFT = re.compile(r"images/s, (?:(\d+) days?, )?(\d+):(\d\d):(\d\d) left$")


def seconds_left(line: str) -> float | None:
    """What a line of a training's log says that it still takes; None if it says nothing of that."""
    left = LEFT.search(line)
    if not left:
        return None
    days, hours, minutes, seconds = (int(number or 0) for number in left.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


class Progress:
    """Counts the images that a training has seen.

    `advance` after each batch, `tell` after each epoch and whenever `due`; used as a context manager.
    """

    def __init__(self, name: str, epochs: int, images: int) -> None:
        self.name, self.epochs, self.images = name, epochs, images
        self.first = self.seen = 0
        self.began = self.reported_at = time.perf_counter()
        self.bar = _bar() if sys.stderr.isatty() else None

    def __enter__(self) -> Progress:
        if self.bar:
            self.bar.start()
            self.task = self.bar.add_task(self.name, total=self.epochs * self.images, note="")
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.bar.stop()

    def start_from(self, seen: int) -> None:
        """Begin where `seen` images are done already; they do not count in the rate."""
        self.first = self.seen = seen
        self.began = time.perf_counter()
        if self.bar:
            self.bar.update(self.task, completed=seen)

    @property
    def images_per_second(self) -> float:
        """Mean rate since the start."""
        return (self.seen - self.first) / max(1e-9, time.perf_counter() - self.began)

    @property
    def epoch(self) -> int:
        """The present epoch, from 1."""
        return max(1, math.ceil(self.seen / self.images))

    @property
    def due(self) -> bool:
        """Whether the log has had no line for a while."""
        return not self.bar and time.perf_counter() > self.reported_at + SECONDS

    def advance(self, images: int) -> None:
        self.seen += images
        if self.bar:
            note = f"epoch {self.epoch}/{self.epochs}, {self.images_per_second:,.0f} images/s"
            self.bar.update(self.task, advance=images, note=note)

    def tell(self, loss: float, accuracy: float) -> None:
        """A line of the log: mean loss, and share of training images recognised, in the epoch so far."""
        self.reported_at = time.perf_counter()
        if not self.bar:
            left = (self.epochs * self.images - self.seen) / self.images_per_second
            print(
                f"{self.name}: epoch {self.epoch}/{self.epochs}, loss {loss:.3f}, training accuracy {accuracy:.1%}, "
                f"{self.images_per_second:,.0f} images/s, {timedelta(seconds=round(left))} left",
                file=sys.stderr,
                flush=True,
            )


class Download:
    """Counts the bytes of a file that is fetched: `advance` after each block, or `reach` what is there by now; used as
    a context manager. `total` bytes, if they are known.
    """

    def __init__(self, name: str, total: int | None) -> None:
        self.name, self.total, self.bytes = name, total, 0
        self.began = self.reported_at = time.perf_counter()
        self.first: tuple[int, float] | None = None  # bytes at a time: the rate counts no start of a tool or connection
        self.bar = _bar_of_bytes() if sys.stderr.isatty() else None

    def __enter__(self) -> Download:
        if self.bar:
            self.bar.start()
            self.task = self.bar.add_task(self.name, total=self.total)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self.bar:
            self.bar.stop()
        elif kind is None:
            seconds = time.perf_counter() - self.began
            self._print(f"{_mb(self.bytes)} MB in {timedelta(seconds=round(seconds))}")

    def advance(self, count: int) -> None:
        self.reach(self.bytes + count)

    def reach(self, count: int) -> None:
        """`count` bytes are there."""
        self.bytes = count
        if self.bar:
            self.bar.update(self.task, completed=count)
        elif count:
            now = time.perf_counter()
            self.first = self.first or (count, now)
            if now > self.reported_at + SECONDS_OF_DOWNLOADS and count > self.first[0]:
                self.reported_at = now
                self._print(download_line(count, self.total, (count - self.first[0]) / (now - self.first[1])))

    def _print(self, text: str) -> None:
        print(f"{self.name}: {text}", file=sys.stderr, flush=True)


def download_line(count: int, total: int | None, rate: float) -> str:
    """How far a download is that has `count` bytes, at a rate in bytes/s."""
    if not total:
        return f"{_mb(count)} MB, {_mb(rate)} MB/s"
    left = timedelta(seconds=round(max(0, total - count) / rate))
    return f"{_mb(count)} of {_mb(total)} MB, {_mb(rate)} MB/s, {left} left"


def _mb(count: float) -> str:
    return f"{count / MB:,.1f}"


def _bar():
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

    note = TextColumn("{task.fields[note]}")
    return _on_stderr(TextColumn("{task.description}"), BarColumn(), note, TimeRemainingColumn())


def _bar_of_bytes():
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    rate = (DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    return _on_stderr(TextColumn("{task.description}"), BarColumn(), *rate)


def _on_stderr(*columns):
    from rich.console import Console
    from rich.progress import Progress

    return Progress(*columns, console=Console(stderr=True))
