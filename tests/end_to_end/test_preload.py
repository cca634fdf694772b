"""Snakemake's jobs are run by preloaded processes and, without hooks, by themselves: to the same bytes."""

import re
import shutil

import pytest


def log_of_a_remade_transfer(study, *arguments) -> str:
    """Snakemake makes a transfer and all that rests on it anew; the log tells what its command imported itself."""
    artifact = next(iter((study.artifacts / "transfer").glob("dots--stripes-*")))
    before = (artifact / "manifest.json").read_bytes()
    shutil.rmtree(artifact)
    for record in (study.results / "cells/table2").glob("dots--stripes*.json"):
        record.unlink()
    study.build("table2", *arguments)
    assert (artifact / "manifest.json").read_bytes() == before
    return (study.folder / "logs/transfer" / f"{artifact.name}.log").read_text()


@pytest.mark.parametrize(("arguments", "imported"), [((), False), (("--no-hooks",), True)])
def test_jobs_share_their_start_up_unless_hooks_are_off(study, monkeypatch, arguments, imported):
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    monkeypatch.setenv("PS1", "$ ")  # an exported prompt, which bash takes away from the jobs
    log = log_of_a_remade_transfer(study, *arguments)
    assert "import time:" in log
    assert bool(re.search(r"\| +torch$", log, re.M)) is imported
    assert "test images" in log  # what the job itself says
