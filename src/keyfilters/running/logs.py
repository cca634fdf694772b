"""The jobs' logs: what their ends say."""

from __future__ import annotations

import re
from pathlib import Path

from keyfilters.errors import STOPPED

TAIL = 65_536  # bytes, more than a traceback has
FOR_GOOD = re.compile(rf"keyfilters [\w-]+: (?!{STOPPED} )")


def end(log: Path) -> list[str]:
    """The last lines of a log, without empty ones; none if it is empty or not there."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [line for line in text.split("\n") if line.strip()]


def failed_for_good(log: Path) -> bool:
    """Whether the job would only fail in the same way again: its log ends in the one line of an error that somebody has
    to mend. One that a signal stopped says so, and one that was killed, or lost its node, says nothing.
    """
    lines = end(log)
    return bool(lines) and FOR_GOOD.match(lines[-1]) is not None
