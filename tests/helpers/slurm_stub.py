"""Commands of a SLURM that is not there: what is submitted has its outputs at once, from a copy of them.

Its command line is that of the command whose name it has in a folder of the PATH; see `install`.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from pathlib import Path

COMMANDS = ("sbatch", "squeue", "scontrol", "sinfo", "sacctmgr", "sshare")


def install(folder: Path, outputs: dict[str, list[str]], kept: Path) -> dict[str, str]:
    """The environment in which those commands are these; `outputs`: files of each job, by its name in `--target-jobs`,
    which are copied from the folder `kept`."""
    (folder / "bin").mkdir(parents=True)
    (folder / "outputs.json").write_text(json.dumps(outputs))
    (folder / "kept").symlink_to(kept)
    for name in COMMANDS:
        command = folder / "bin" / name
        command.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} {folder} {name} "$@"\n')
        command.chmod(0o755)
    return os.environ | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}


def submissions(folder: Path) -> list[tuple[int, list[str]]]:
    """The length in bytes of each submitted command, and the names of its jobs."""
    return [json.loads(line) for line in (folder / "submitted").read_text().splitlines()]


def main(folder: Path, name: str, *arguments: str) -> None:
    submitted = folder / "submitted"
    if name == "sbatch" and "--test-only" not in arguments:
        (command,) = (word.removeprefix("--wrap=") for word in arguments if word.startswith("--wrap="))
        outputs = json.loads((folder / "outputs.json").read_text())
        jobs = [word for word in shlex.split(command) if word in outputs]
        for file in (file for job in jobs for file in outputs[job]):
            shutil.copy(folder / "kept" / file, file)
        with submitted.open("a") as lines:
            lines.write(json.dumps([len(command.encode()), jobs]) + "\n")
        print(len(submissions(folder)))
    elif name == "squeue":
        for number in range(len(submissions(folder)) if submitted.exists() else 0):
            print(f"{number + 1}|COMPLETED")
    elif name == "scontrol":
        print("MinJobAge = 300 sec")
    elif name == "sinfo":
        print("infinite 64000")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
