"""Signs of life that other machines can see: a job renews its folder's time for as long as it runs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

SECONDS = 20  # from one sign to the next
SILENCE = 180  # after this a job counts as killed: network file systems may show times a minute late


@contextmanager
def beating(folder: Path) -> Iterator[None]:
    """Renew the time of `folder` every `SECONDS` while the block runs."""
    ended = Event()

    def beat() -> None:
        while not ended.wait(SECONDS):
            with suppress(OSError):
                os.utime(folder)

    thread = Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def is_alive(path: Path) -> bool:
    """Whether `path` was renewed a short while ago."""
    try:
        return time.time() - path.stat().st_mtime < SILENCE
    except OSError:
        return False
