"""How far a training is: a live bar in a terminal, a line an epoch in a log."""

from __future__ import annotations

import sys
import time
from datetime import timedelta


class Progress:
    """Counts the pictures that a training has seen.

    `advance` after each batch, `end_epoch` after each epoch; used as a context manager.
    """

    def __init__(self, name: str, epochs: int, images: int) -> None:
        self.name, self.epochs, self.images = name, epochs, images
        self.seen, self.began = 0, time.perf_counter()
        self.bar = _bar() if sys.stderr.isatty() else None

    def __enter__(self) -> Progress:
        if self.bar:
            self.bar.start()
            self.task = self.bar.add_task(self.name, total=self.epochs * self.images, note="")
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.bar.stop()

    @property
    def images_per_second(self) -> float:
        """Mean rate since the start."""
        return self.seen / max(1e-9, time.perf_counter() - self.began)

    def advance(self, images: int) -> None:
        self.seen += images
        if self.bar:
            epoch = min(self.epochs, 1 + self.seen // self.images)
            note = f"epoch {epoch}/{self.epochs}, {self.images_per_second:,.0f} images/s"
            self.bar.update(self.task, advance=images, note=note)

    def end_epoch(self, number: int, loss: float) -> None:
        if not self.bar:
            left = (self.epochs - number) * self.images / self.images_per_second
            print(
                f"{self.name}: epoch {number}/{self.epochs}, loss {loss:.3f}, "
                f"{self.images_per_second:,.0f} images/s, {timedelta(seconds=round(left))} left",
                file=sys.stderr,
                flush=True,
            )


def _bar():
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
