"""A command that a preloaded process runs in its place, see `preload`: the part of `keyfilters` itself.

It imports little, since every command does it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

VARIABLE = "KEYFILTERS_PRELOAD"
"""Names the folder of the sockets, one for each subcommand that has a preloaded process."""

ACCEPTED = b"+"
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


def hand_over(arguments: Sequence[str]) -> None:
    """Let a preloaded process run the command, and end as it does; return where none takes it."""
    folder = os.environ.get(VARIABLE)
    if not folder or not arguments:
        return
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(Path(folder, arguments[0])))
        except OSError:  # no such subcommand, or process
            return
        early: list[int] = []
        taken = False

        def forward(number: int, _: object) -> None:
            early.append(number)
            with suppress(OSError):  # the job has ended
                connection.send(bytes([number]))

        before = {number: signal.getsignal(number) for number in SIGNALS}
        for number in SIGNALS:
            if before[number] != signal.SIG_IGN:
                signal.signal(number, forward)
        status = b""
        with suppress(OSError):
            _send(connection, arguments)
            taken = connection.recv(1) == ACCEPTED
            while taken and (part := connection.recv(64)):
                status += part
    for number, handler in before.items():
        signal.signal(number, handler)
    if taken:
        _end_as(status)
    for number in early:
        signal.raise_signal(number)


def _send(connection: socket.socket, arguments: Sequence[str]) -> None:
    """The request: its length in 4 bytes with the files for input, output and errors, then JSON."""
    umask = os.umask(0)
    os.umask(umask)
    request = {"arguments": list(arguments), "folder": str(Path.cwd()), "umask": umask, "environment": dict(os.environ)}
    body = json.dumps(request).encode()
    socket.send_fds(connection, [len(body).to_bytes(4, "big")], [0, 1, 2])
    connection.sendall(body)


def _end_as(status: bytes) -> None:
    """End as the job did, by its exit status or minus its signal; empty if the preloaded process was killed."""
    if not status:
        print("keyfilters: the preloaded process of this job was killed; run again", file=sys.stderr)
        sys.exit(1)
    code = int(status)
    if code < 0:
        with suppress(OSError):  # SIGKILL has no handler
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)
