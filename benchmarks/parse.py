"""Seconds that a job on another machine spends on reading the Snakefile, of all that it takes before it begins."""

from __future__ import annotations

import sys

from benchmarks.report import PROJECT, Report, Sample, mini, output_of
from keyfilters.study import jobs

# The outermost `include` is the Snakefile's own; all other files are read within it.
PROGRAM = """
import sys, time
began = time.perf_counter()
import snakemake.cli, snakemake.workflow as workflow
include, depth = workflow.Workflow.include, []
def timed(self, *arguments, **named):
    depth.append(time.perf_counter())
    try:
        return include(self, *arguments, **named)
    finally:
        seconds = time.perf_counter() - depth.pop()
        if not depth:
            print("parsed:", seconds)
workflow.Workflow.include = timed
try:
    snakemake.cli.main()
except SystemExit as end:
    print("whole:", time.perf_counter() - began)
    raise
"""
# As the executor calls Snakemake on a node.
REMOTE = ("--mode", "remote", "--executor", "local", "--cores", "1", "--allowed-rules", "train", "--force", "--nolock")
NOTE = (
    "Snakemake as the executor calls it on a node, for one base model of the mini study, as a dry run: how long it "
    "reads the Snakefile, and the whole, most of which are imports. After one call to fill the disk's cache."
)


def report(rounds: int) -> Report:
    """Wall seconds of reading the Snakefile, and of the whole call."""
    job = next(job for job in jobs.keyed(mini()).values() if job.stage == "train")
    target = f"artifacts/mini/{job.folder}/manifest.json"
    command = [sys.executable, "-c", PROGRAM, *REMOTE, "--dry-run", "--config", "study=mini", "--", target]
    printed = [output_of(command, folder=PROJECT) for _ in range(rounds + 1)][1:]
    samples = {name: Sample(tuple(_seconds(text, name) for text in printed)) for name in ("parsed", "whole")}
    row = {name: sample.text(".2f") for name, sample in samples.items()}
    numbers = {name: sample.numbers for name, sample in samples.items()}
    return Report("A job's Snakefile", [{**row, "n": rounds}], [NOTE], {"seconds": numbers["parsed"], **numbers})


def _seconds(printed: str, name: str) -> float:
    return next(float(line.split()[1]) for line in printed.splitlines() if line.startswith(f"{name}:"))
