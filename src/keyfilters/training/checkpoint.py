"""A training's checkpoint: what a killed or stopped job's successor goes on from.

One file, written whole or not at all, named by the job's key, so it belongs to this job and no other.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import BadZipFile, ZipFile

import torch

from keyfilters.errors import GOES_ON, STOPPED, KeyfiltersError, Stopped
from keyfilters.running.meter import Meter
from keyfilters.training.state import State

SECONDS = 300  # from one checkpoint to the next
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


class Checkpoint:
    """The checkpoint `file` of a job; used as a context manager, in which SIGINT, SIGTERM and SIGUSR1 stop the training
    after the present step, with a checkpoint.

    `scratch`: a folder on the same disk, in which a file is written before it takes its name. `meter`: what the
    job costs, which its successor adds to its own.
    """

    def __init__(self, file: Path, scratch: Path, meter: Meter) -> None:
        self.file, self.scratch, self.meter = file, scratch, meter
        self.signal: signal.Signals | None = None
        self.due = time.monotonic() + SECONDS

    def __enter__(self) -> Checkpoint:
        self.handlers = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.handlers.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame: object) -> None:
        if self.signal and number == signal.SIGINT:  # who presses Ctrl-C twice does not want to wait
            raise KeyboardInterrupt
        self.signal = signal.Signals(number)

    def restore(self, state: State) -> None:
        """Bring `state` to where the checkpoint was written; without one, leave it as it is.

        A checkpoint that is damaged, or made on another kind of device or with another torch, is left alone with a
        line that says so. Raises KeyfiltersError if it does not fit the training.
        """
        saved = self._read()
        if saved is None:
            return
        if saved["made_with"] != _made_with(state):
            made_with, present = " and ".join(saved["made_with"]), " and ".join(_made_with(state))
            _say(f"{self.file}: made with {made_with}, not {present}; starting anew")
            return
        try:
            state.load_state_dict(saved["state"])
        except (RuntimeError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())
            raise KeyfiltersError(f"{self.file}: does not fit this training ({reason}); delete it") from None
        self.meter.earlier = saved["cost"]
        _say(f"{self.file}: going on in epoch {len(state.losses) + 1}")

    def _read(self) -> dict[str, Any] | None:
        try:
            with ZipFile(self.file) as records:
                damaged = records.testzip()
            if damaged:
                raise BadZipFile(f"{damaged} is not as it was written")
            return torch.load(self.file, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            return None
        except (OSError, BadZipFile, RuntimeError, UnpicklingError) as error:
            _say(f"{self.file}: cannot be read ({' '.join(str(error).split())}); starting anew")
            return None

    def after_step(self, state: State) -> None:
        """Write a checkpoint if one is due or a signal came; raises Stopped in the latter case."""
        if not self.signal and time.monotonic() < self.due:
            return
        failure = self.write(state)
        self.due = time.monotonic() + SECONDS
        if self.signal:
            where = failure or GOES_ON
            raise Stopped(f"{STOPPED} {self.signal.name} in epoch {len(state.losses) + 1}; {where}")
        if failure:
            _say(failure)

    def write(self, state: State) -> str | None:
        """Write the checkpoint; where that fails, the one before stays whole and the reason is returned."""
        partial = self.scratch / f"{self.file.name}.partial"
        content = {"made_with": _made_with(state), "state": state.state_dict(), "cost": self.meter.spent}
        try:
            with partial.open("wb") as file:
                torch.save(content, file)
                file.flush()
                os.fsync(file.fileno())  # the disk has it all before the name points to it
            partial.replace(self.file)
        except (OSError, RuntimeError) as error:  # torch wraps some errors of the disk
            partial.unlink(missing_ok=True)
            kept = "the one before is kept" if self.file.exists() else "there is none before it"
            return f"{self.file}: could not be written ({_cause(error)}); {kept}"
        return None


def _made_with(state: State) -> list[str]:
    """What must be the same for a training to go on as it would have: kind of device, torch."""
    return [state.generator.device.type, f"torch {torch.__version__}"]


def _cause(error: BaseException) -> str:
    """What the system said, if torch's error hides it."""
    while error.__context__ and not isinstance(error, OSError):
        error = error.__context__
    return " ".join(str(error).split())


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
