"""Jobs without a start-up of their own: a process that has imported everything forks into each of them.

A small job spends most of its time on the start of Python and on imports. So Snakemake's `onstart` calls `start`: for
each of `FAMILIES` a process that imports the family's modules when its first job comes, and never uses them itself. The
rules stay as they are: `keyfilters <subcommand> ...`, which sends its arguments, folder, environment and open files
there (`handover`) and waits; a fork runs the subcommand with them. So each job has its own process, log, signals and
exit status, and starts from modules that no other job has touched.

Where no such process is there, or the environment is another one, the command goes on by itself: on SLURM, and wherever
no Snakemake runs. The sockets lie in a folder that only the user can enter. The processes end with the Snakemake that
started them, as soon as their jobs have ended; `snakemake --no-hooks` starts none.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from keyfilters.running.handover import ACCEPTED, VARIABLE

FAMILIES = {
    ("train", "transfer", "extract"): (
        "keyfilters.transfer.transfer",
        "keyfilters.training.train",
        "keyfilters.filters.extract",
        "keyfilters.filters.trained",
    ),
    ("moments", "histograms", "layers"): (
        "keyfilters.analysis.stages.moments",
        "keyfilters.analysis.stages.histograms",
        "keyfilters.analysis.stages.layers",
        "keyfilters.analysis.compiled",
        "pyarrow.dataset",  # pandas imports these when it reads a table
        "pyarrow.parquet",
    ),
    ("cell",): ("keyfilters.results.cell",),
}
"""Subcommands that share their imports, and these; apart, so that torch is no memory of jobs that do without it."""

# Snakemake sets these to the threads of a rule, and libraries read them when they are imported.
ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "GOTO_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMEXPR_NUM_THREADS",
    ),
    "1",
)
# Snakemake and the shell set these for each job, or take them away as PS1 and PS2; no library reads them when imported.
OF_A_JOB = {VARIABLE, "TMPDIR", "TMP", "TEMPDIR", "TEMP", "_", "SHLVL", "PWD", "OLDPWD", "PS1", "PS2"}

_FORK = get_context("fork")
SECONDS = 10  # for a request to arrive
_PR_SET_PDEATHSIG = 1

servers: list[subprocess.Popen[bytes]] = []
"""The preloaded processes of this one."""


def start() -> None:
    """Start the preloaded processes, for the jobs that this process starts from now on; nothing on another system.

    They run until this process and all of their jobs have ended.
    """
    if sys.platform != "linux":  # elsewhere a process with libraries in it is not safe to fork
        return
    folder = Path(tempfile.mkdtemp(prefix="keyfilters-"))  # of mode 0700
    for subcommands, modules in FAMILIES.items():
        with socket.socket(socket.AF_UNIX) as listener:  # from now on, so that the first jobs wait for the imports
            listener.bind(str(folder / subcommands[0]))
            listener.listen(1024)
            for other in subcommands[1:]:
                (folder / other).symlink_to(subcommands[0])
            server = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__, str(listener.fileno()), *modules],
                env={**os.environ, **ONE_THREAD},
                pass_fds=[listener.fileno()],
                stdin=subprocess.PIPE,  # whose end tells the server that this process has ended
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # a job gets its signals from its command, not from the terminal as well
            )
        servers.append(server)
    os.environ[VARIABLE] = str(folder)


class Server:
    """Waits for commands on `listener` and forks into each, until the standard input ends and no job is left."""

    def __init__(self, listener: socket.socket, modules: Sequence[str]) -> None:
        self.listener, self.modules = listener, modules
        self.environment = _compared(os.environ)
        self.selector = selectors.DefaultSelector()
        self.selector.register(sys.stdin, selectors.EVENT_READ, self._end)
        self.selector.register(listener, selectors.EVENT_READ, self._accept)

    def serve(self) -> None:
        while self.selector.get_map():
            key, _ = self.selector.select()[0]  # one at a time, since it may end what another one is about
            key.data()

    def _end(self) -> None:
        self.selector.unregister(sys.stdin)
        self.selector.unregister(self.listener)
        shutil.rmtree(Path(self.listener.getsockname()).parent, ignore_errors=True)
        self.listener.close()

    def _accept(self) -> None:
        """Fork for the next command; one from another environment is left to itself."""
        connection, _ = self.listener.accept()
        request, files = _receive(connection)
        if _compared(request.get("environment", {})) == self.environment:
            for module in self.modules:
                import_module(module)
            gc.freeze()  # what is shared stays shared: a job's search for garbage writes to all that it looks at
            job = _FORK.Process(
                target=self._run, args=(connection, request, files), name=f"keyfilters {request['arguments'][0]}"
            )
            with suppress(OSError):  # no room for a process
                job.start()
                connection.sendall(ACCEPTED)
            if job.pid:
                self.selector.register(connection, selectors.EVENT_READ, partial(self._forward, connection, job))
                self.selector.register(job.sentinel, selectors.EVENT_READ, partial(self._job_ended, connection, job))
                connection = None
        for file in files:
            os.close(file)
        if connection:
            connection.close()

    def _forward(self, connection: socket.socket, job: BaseProcess) -> None:
        """Give the job the signals that its command got; where that was killed, kill it too."""
        try:
            signals = connection.recv(64)
        except OSError:
            signals = b""
        if not signals:
            self.selector.unregister(connection)
        for number in signals or [signal.SIGKILL]:
            if job.is_alive():
                os.kill(job.pid, number)

    def _job_ended(self, connection: socket.socket, job: BaseProcess) -> None:
        job.join()
        self.selector.unregister(job.sentinel)
        if connection in self.selector.get_map():
            self.selector.unregister(connection)
        with suppress(OSError):  # the command was killed
            connection.sendall(str(job.exitcode).encode())
        connection.close()
        job.close()

    def _run(self, connection: socket.socket, request: Mapping[str, Any], files: Sequence[int]) -> None:
        """In the fork: the command."""
        for key in self.selector.get_map().values():  # of the server, and of other jobs
            os.close(key.fd)
        connection.close()
        _become(request, files)
        from keyfilters import cli

        cli.main()


def _compared(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in OF_A_JOB}


def _receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """A request and its files, see `handover`; an empty one if it does not arrive whole."""
    connection.settimeout(SECONDS)
    body, files = b"", []
    try:
        head, files, _, _ = socket.recv_fds(connection, 4, 3)
        while len(body) < int.from_bytes(head, "big") and (part := connection.recv(1 << 16)):
            body += part
        connection.settimeout(None)
        return json.loads(body), files
    except (OSError, ValueError):
        return {}, files


def _become(request: Mapping[str, Any], files: Sequence[int]) -> None:
    """Let this fork be as the command: its arguments, folder, environment and files. It ends with the server."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))
    os.chdir(request["folder"])
    os.umask(request["umask"])
    os.environ.clear()
    os.environ.update(request["environment"])
    del os.environ[VARIABLE]
    sys.argv = ["keyfilters", *request["arguments"]]


if __name__ == "__main__":
    number, *modules = sys.argv[1:]
    Server(socket.socket(fileno=int(number)), modules).serve()
