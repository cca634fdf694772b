"""What Snakemake itself costs in large studies: they are run whole, with stages that do nothing."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from benchmarks.report import PROJECT, Report, output_of

PARTS = ("Snakefile", "rules", "profiles", "envs")
COUNTS = (500, 1000, 2000, 5000)
METERED = """\
import atexit, time
from snakemake.cli import main
atexit.register(lambda: print("CPU seconds:", time.process_time(), flush=True))
main()
"""
SOURCES = 100  # columns of the table of transfers
NOTE = (
    "Studies of that many cells of Table 2, or networks of the store with their analysis, run from nothing to their "
    "tables by `snakemake --cores 2`; each stage is a shell script that makes its outputs without content. CPU seconds "
    "are those of Snakemake's main process, without its jobs. Each study once."
)


def report(rounds: int) -> Report:
    """Seconds of the main process by the number of cells or networks; `rounds` is not used."""
    rows, numbers = [], {}
    for kind, study in (("cells", cells), ("networks", networks)):
        numbers[kind] = {}
        for count in COUNTS:
            config, target = study(count)
            with tempfile.TemporaryDirectory() as folder:
                ran, cpu, wall = run(Path(folder), config, target)
            rows.append(
                {
                    "study": f"{count:,} {kind}",
                    "jobs": f"{ran:,}",
                    "CPU s": f"{cpu:.1f}",
                    "CPU ms/job": f"{1000 * cpu / ran:.1f}",
                    "wall s": f"{wall:.0f}",
                }
            )
            numbers[kind][str(count)] = {"jobs": ran, "cpu_seconds": cpu, "wall_seconds": wall}
    return Report("Snakemake's own time in large studies", rows, [NOTE], numbers)


def cells(count: int) -> tuple[dict[str, Any], str]:
    """Settings of a study whose Table 2 has `count` cells, and its target."""
    sources = min(SOURCES, count)
    sets = [f"set{number:02}" for number in range(sources)]
    study = _study(sets) | {"tables": {"table2": {"targets": sets[: count // sources]}}}
    return {"study": "large", "studies": {"large": study}}, "table2"


def networks(count: int) -> tuple[dict[str, Any], str]:
    """Settings of a study whose store has `count` networks, and the target that analyses them."""
    study = _study(["set00"]) | {"zoo": {"pretrained": [f"timm/network{number:04}" for number in range(count)]}}
    return {"study": "large", "studies": {"large": study}}, "filterdb"


def _study(sets: list[str]) -> dict[str, Any]:
    return {
        "image_size": 32,
        "seeds": [0],
        "model": {"architecture": "convnext_femto"},
        "training": {"epochs": 2, "batch_size": 16, "learning_rate": 0.01},
        "training_of": {},
        "transfer": {},
        "datasets": {
            name: {"source": "archive", "path": f"{name}.tar", "sha256": f"{number:064x}"}
            for number, name in enumerate(sets)
        },
        "tables": {},
        "zoo": {},
        "analysis": {},
    }


def run(project: Path, config: dict[str, Any], target: str) -> tuple[int, float, float]:
    """Make `target` in the empty folder `project`; returns the number of jobs, and CPU and wall seconds.

    Raises RuntimeError with Snakemake's last lines if that fails or leaves something to do.
    """
    project.mkdir(exist_ok=True)
    for part in PARTS:
        source = PROJECT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, project / part)
    (project / "config.yaml").write_text(yaml.safe_dump(config))
    command = [str(_python(project / "venv")), "-c", METERED, "--cores", "2", target]
    began = time.perf_counter()
    printed = output_of(command, folder=project)
    wall = time.perf_counter() - began
    ran = int(re.search(r"^total +(\d+)$", printed, re.M)[1])
    if f"{ran} of {ran} steps (100%) done" not in printed:
        raise RuntimeError(f"not all of the study was made:\n{printed[-2000:]}")
    return ran, float(re.search(r"^CPU seconds: (\S+)$", printed, re.M)[1]), wall


def _python(environment: Path) -> Path:
    """A Python like this one in an environment of its own, beside which lies the stand-in for `keyfilters`."""
    (environment / "bin").mkdir(parents=True)
    here = Path(sys.prefix)
    shutil.copy(here / "pyvenv.cfg", environment)
    (environment / "lib").symlink_to(here / "lib")
    (environment / "bin/python").symlink_to(sys.executable)
    shutil.copy(PROJECT / "benchmarks/stand_in.sh", environment / "bin/keyfilters")
    return environment / "bin/python"
