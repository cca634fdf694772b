"""Measures the loop, here and on a GPU, a job's start, Snakemake idle and in large studies, extraction, analysis, and
trainings and filters against an earlier version of this project.
"""

from __future__ import annotations

import argparse
import json
import os
import textwrap
from pathlib import Path
from typing import Any

from tabulate import tabulate

from benchmarks import analysis, billion, earlier, extraction, gpu, idle, loop, parse, scale, start, step
from keyfilters.store import machine
from keyfilters.store.files import write_text

PARTS = {
    "step": step,
    "loop": loop,
    "start": start,
    "idle": idle,
    "parse": parse,
    "scale": scale,
    "earlier": earlier,
    "gpu": gpu,
    "extraction": extraction,
    "analysis": analysis,
    "billion": billion,
}


def main() -> None:
    """Measure the chosen parts, print each, and write all numbers as JSON if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="what to measure (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="n of every number (default: 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="file to write the numbers to as well")
    arguments = parser.parse_args()

    software, load = machine.software(), os.getloadavg()[0]
    versions = ", ".join(f"{name} {software[name]}" for name in ("python", "torch", "timm"))
    print(f"{machine.cpu_name()}; {versions}; load {load:.1f} before the start")
    print("Each number: median (lowest-highest) of n.")
    numbers: dict[str, Any] = {"machine": machine.cpu_name(), "software": software, "load": load}
    for name in arguments.only:
        report = PARTS[name].report(arguments.rounds)
        numbers[name] = report.numbers
        print(f"\n{report.title}\n\n{tabulate(report.rows, headers='keys', disable_numparse=True)}\n")
        for note in report.notes:
            print(textwrap.fill(note, 110))
    if arguments.json:
        write_text(arguments.json, json.dumps(numbers, indent=1) + "\n")


if __name__ == "__main__":
    main()
