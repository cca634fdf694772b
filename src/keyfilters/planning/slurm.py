"""What a site's SLURM would refuse, asked before anything is submitted; and why jobs failed that left no log."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from keyfilters.errors import KeyfiltersError

# What a submission says beside its resources, which decide alone whether it can ever start.
NAMELESS = {"run_uuid": "test", "slurm_logfile": "/dev/null", "comment_str": "", "workdir": ""}
LISTED_RESOURCES = ("slurm_partition", "slurm_account", "gpu", "gpu_model", "constraint", "mem_mb", "runtime")

LONGEST = 112 * 1024  # bytes that name a group's jobs: Linux takes 128 KiB in an argument, and the rest is in it too


def check(jobs: Iterable[Any], settings: Any) -> None:
    """Ask SLURM whether it would take these jobs of Snakemake; each set of resources once.

    `settings`: those of Snakemake's executor. Raises KeyfiltersError, which names the rule and what was refused: else
    Snakemake would print a page for each job, or a job would wait for ever. A group of more jobs than a command
    can name is refused too.
    """
    if shutil.which("sbatch") is None:
        raise KeyfiltersError(
            "no SLURM commands here (sbatch is not found): run on a login node, or without the profile"
        )
    asked = {}
    for job in jobs:
        _check_length(job)
        asked.setdefault(_request(job, settings), job)
    for request, job in asked.items():
        reason = _beyond_partition(job) or _refused(request)
        if reason:
            resources = {name: job.resources.get(name) for name in LISTED_RESOURCES}
            listed = ", ".join(f"{name}: {value}" for name, value in resources.items() if value is not None)
            raise KeyfiltersError(f"SLURM would not run {job.name} ({listed}): {reason}; see slurm/config.yaml")


def _check_length(job: Any) -> None:
    """Snakemake names the jobs of a group in the command that it submits, which a shell takes as one argument."""
    from snakemake_interface_executor_plugins.utils import encode_target_jobs_cli_args, format_cli_arg

    named = encode_target_jobs_cli_args(job.get_target_spec())
    length = len(format_cli_arg("", named).encode())
    if length > LONGEST:
        raise KeyfiltersError(
            f"the group {job.name} has {len(named):,} jobs, whose names take {length:,} bytes of a command that Linux "
            f"takes {LONGEST:,} of: fewer in `group-components`, see slurm/config.yaml"
        )


def _request(job: Any, settings: Any) -> str:
    """The executor's own command line without what differs from job to job, and without a job."""
    from snakemake_executor_plugin_slurm.submit_string import get_submit_command
    from snakemake_executor_plugin_slurm.utils import set_gres_string

    options = {"account": ("slurm_account", "-A"), "partition": ("slurm_partition", "-p")}
    flags = {
        name: f"{option} {shlex.quote(str(job.resources[resource]))}" if job.resources.get(resource) else ""
        for name, (resource, option) in options.items()
    }
    command = get_submit_command(job, NAMELESS | flags, settings=settings) + set_gres_string(job)
    return command.replace("sbatch ", "sbatch --test-only ", 1)


def _refused(request: str) -> str | None:
    done = subprocess.run([*shlex.split(request), "--wrap", "true"], capture_output=True, text=True)
    if done.returncode == 0:
        return None
    lines = [line.removeprefix("sbatch: error: ") for line in done.stderr.splitlines()]
    return "; ".join(line.removeprefix("allocation failure: ") for line in lines) or "sbatch gave no reason"


def _beyond_partition(job: Any) -> str | None:
    """What no node of the job's partition has, though sbatch would put the job in the queue."""
    from snakemake_executor_plugin_slurm.utils import time_to_seconds

    partition = job.resources.get("slurm_partition")
    command = ["sinfo", "--noheader", "--format", "%l %m", *(["--partition", str(partition)] if partition else [])]
    limits = [line.split() for line in subprocess.run(command, capture_output=True, text=True).stdout.splitlines()]
    if not limits:
        return None
    where = f"partition {partition}" if partition else "the partitions"
    minutes, megabytes = job.resources.get("runtime"), job.resources.get("mem_mb")
    longest = max(float("inf") if time == "infinite" else time_to_seconds(time) / 60 for time, _ in limits)
    if minutes and minutes > longest:
        return f"runtime of {minutes} minutes, {where} ends jobs after {longest:.0f}"
    largest = max(int(memory.rstrip("+")) for _, memory in limits)
    if megabytes and megabytes > largest:
        return f"mem_mb of {megabytes}, no node of {where} has more than {largest}"
    return None


def without_log(logs: Iterable[Path]) -> Iterator[str]:
    """A line for each job in Snakemake's `logs` that SLURM ended and that left no log of its own."""
    written = "\n".join(log.read_text() for log in logs)
    for job, file in re.findall(r"SLURM jobid (\S+) \(log: (.*)\)\.$", written, re.M):
        shown = subprocess.run(["scontrol", "show", "job", job, "--oneliner"], capture_output=True, text=True).stdout
        said = dict(re.findall(r"(\w+)=(\S*)", shown))
        if said.get("JobState") not in (None, "COMPLETED", "PENDING", "RUNNING") and not Path(file).exists():
            yield (
                f"SLURM job {job} left no log: does its node {said.get('BatchHost', '')} see {Path.cwd()}? "
                "The project must lie in a folder that all nodes share."
            )
