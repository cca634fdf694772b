"""The jobs' logs: what their ends say."""

from __future__ import annotations

from pathlib import Path

TAIL = 65_536  # bytes, more than a traceback has


def end(log: Path) -> list[str]:
    """The last lines of a log, without empty ones; none if it is empty or not there."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [line for line in text.split("\n") if line.strip()]
