"""Snakemake looks for jobs to start when one has ended, not again and again beside those that run."""

import pytest


@pytest.mark.parametrize(("arguments", "limited"), [((), False), (("--max-jobs-per-timespan", "50/1s"), True)])
def test_the_default_limit_on_starts_is_lifted_and_another_stays(study, arguments, limited):
    with (study.folder / "Snakefile").open("a") as file:
        file.write('onsuccess: print("limited:", workflow.scheduler.job_rate_limiter is not None)\n')
    (study.results / "cells/table2/dots--stripes.json").unlink()
    assert f"limited: {limited}" in study.build("table2", *arguments)
