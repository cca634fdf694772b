"""A SLURM of two nodes on this machine, with GPUs that do not exist: munged, slurmctld and two slurmd."""

from __future__ import annotations

import getpass
import os
import re
import secrets
import shlex
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path

NODES = ("n1", "n2")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol")

# A requeued job is held back for as long as a credential lives (cred_expire, else two minutes).
SLURM_CONF = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=15
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmdSpoolDir={folder}/%n
SlurmdParameters=config_overrides
SlurmctldTimeout=10
SlurmdTimeout=20
KillWait=5
MinJobAge=3600
ReturnToService=2
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_interval=2,bf_interval=2
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
GresTypes=gpu
JobSubmitPlugins=lua
MpiDefault=none
{nodes}
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=2-00:00:00 State=UP
PartitionName=short Nodes=n1,n2 MaxTime=00:02:00 State=UP
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=8 RealMemory=64000 Gres=gpu:h100:2"
# A bare count is refused: each GPU wants a device file, and any will do.
GRES = "NodeName={name} Name=gpu Type=h100 File=/dev/tty[{first}-{last}]"

# Accounting is off, so nobody keeps accounts: a site's own plugin refuses one.
JOB_SUBMIT = """\
function slurm_job_submit(job, partitions, user)
    if job.account == "refused" then
        slurm.log_user("account refused: no such account here")
        return slurm.ESLURM_INVALID_ACCOUNT
    end
    return slurm.SUCCESS
end
function slurm_job_modify(job, record, partitions, user)
    return slurm.SUCCESS
end
"""


def missing() -> str:
    """Why there can be no cluster here; empty if there can."""
    if os.getuid():
        return "slurmd wants to be root"
    absent = [program for program in PROGRAMS if not _program(program)]
    return f"not installed: {', '.join(absent)} (Debian: slurm-wlm, munge)" if absent else ""


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in sockets]
    for server in sockets:
        server.close()
    return ports


class Cluster:
    """The daemons as child processes, and SLURM's commands as this cluster's user gives them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.daemons: dict[str, subprocess.Popen] = {}
        self.variable = f"SLURM_CONF={folder}/slurm.conf".encode()  # of all its processes
        self.environment = os.environ | {
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        }

    def configure(self) -> None:
        (self.folder / "state").mkdir()
        (self.folder / "munge.key").write_bytes(secrets.token_bytes(128))
        (self.folder / "munge.key").chmod(0o400)
        # The executor plugin hides SLURM_CONF from srun, which other sites have in /etc/slurm.
        srun = self.folder / "bin/srun"
        srun.parent.mkdir()
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {shutil.which("srun")} "$@"\n')
        srun.chmod(0o755)
        host = socket.gethostname().partition(".")[0]
        controller, *ports = _free_ports(1 + len(NODES))
        nodes = [NODE.format(name=name, host=host, port=port) for name, port in zip(NODES, ports, strict=True)]
        gres = [GRES.format(name=name, first=2 * at, last=2 * at + 1) for at, name in enumerate(NODES)]
        settings = {"host": host, "controller": controller, "user": getpass.getuser(), "folder": self.folder}
        (self.folder / "slurm.conf").write_text(SLURM_CONF.format(nodes="\n".join(nodes), **settings))
        (self.folder / "job_submit.lua").write_text(JOB_SUBMIT)
        (self.folder / "gres.conf").write_text("\n".join(gres) + "\n")

    def start(self) -> None:
        key, names = self.folder / "munge.key", ("socket", "pid-file", "seed-file")
        files = [f"--{name}={self.folder}/munge.{name.removesuffix('-file')}" for name in names]
        # Its folder is of a test and not where munge's own would be: --force makes a warning of that.
        self._start("munged", f"--key-file={key}", "--foreground", "--force", *files)
        self._until(lambda: (self.folder / "munge.socket").exists())
        self.start_controller()
        for name in NODES:
            self.start_node(name)
        self._until(lambda: all(self.node(name)["State"] == "IDLE" for name in NODES))

    def start_controller(self) -> None:
        self._start("slurmctld", "-D")

    def start_node(self, name: str, *before: str) -> None:
        """`before`: a command that starts the daemon in surroundings of its own."""
        self._start(name, "-D", "-N", name, program="slurmd", before=before)

    def _start(self, name: str, *arguments: str, program: str | None = None, before: tuple[str, ...] = ()) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            command = [*before, _program(program or name), *arguments]
            self.daemons[name] = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)

    def stop(self, name: str) -> None:
        daemon = self.daemons.pop(name)
        daemon.terminate()
        try:
            daemon.wait(10)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def stop_all(self) -> None:
        """Nothing that was started here stays: jobs first, which the nodes' daemons end."""
        subprocess.run(["scancel", "--user", getpass.getuser()], env=self.environment, capture_output=True)
        with_steps = time.monotonic() + 15
        while self.steps() and time.monotonic() < with_steps:
            time.sleep(0.2)
        for name in reversed(list(self.daemons)):
            self.stop(name)

    def steps(self) -> list[int]:
        """Process ids of slurmstepd with this cluster's configuration."""
        processes = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                named = (process / "comm").read_text().startswith("slurmstepd")
                if named and self.variable in (process / "environ").read_bytes().split(b"\0"):
                    processes.append(int(process.name))
            except OSError:  # it ended meanwhile
                continue
        return processes

    def is_stopped(self, job: str) -> bool:
        """Whether what runs on a job's node, its batch script aside, is stopped."""
        of_step, states = {self.variable, f"SLURM_JOB_ID={job}".encode(), b"SLURM_STEP_ID=0"}, set()
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it ended meanwhile
                if of_step <= {*(process / "environ").read_bytes().split(b"\0")}:
                    states.add((process / "stat").read_text().rpartition(")")[2].split()[0])
        return states == {"T"}

    def run(self, *command: str) -> str:
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{shlex.join(command)}: {done.stdout}{done.stderr}"
        return done.stdout

    def answers(self) -> bool:
        """Whether the controller does."""
        return not subprocess.run(["scontrol", "ping"], env=self.environment, capture_output=True).returncode

    def node(self, name: str) -> dict[str, str]:
        done = subprocess.run(
            ["scontrol", "show", "node", name, "--oneliner"], env=self.environment, capture_output=True, text=True
        )
        return {"State": "UNKNOWN"} | _fields(done.stdout)

    def jobs(self) -> list[dict[str, str]]:
        """What `scontrol show job` says of each job, the latest last."""
        shown = self.run("scontrol", "show", "job", "--oneliner")
        return [_fields(line) for line in shown.splitlines() if line.startswith("JobId=")]

    def _until(self, true, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not true():
            for name, daemon in self.daemons.items():
                assert daemon.poll() is None, (self.folder / f"{name}.log").read_text()
            assert time.monotonic() < end, "\n".join(path.read_text() for path in self.folder.glob("*.log"))
            time.sleep(0.1)


def _fields(line: str) -> dict[str, str]:
    return dict(re.findall(r"(\S+?)=(.*?)(?= \S+?=|$)", line.strip()))


@contextmanager
def cluster(folder: Path):
    slurm = Cluster(folder)
    slurm.configure()
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.stop_all()
