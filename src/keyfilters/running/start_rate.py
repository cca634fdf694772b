"""How many jobs Snakemake may start a second."""

from __future__ import annotations

from typing import Any

DEFAULT = (100, 1)
"""Jobs and seconds, Snakemake's."""


def lift_default(scheduler: Any) -> None:
    """Take the default limit from Snakemake's scheduler; one that was asked for stays.

    With a limit it sets a timer at every look for jobs to start, to look again, and each job that ends begins another
    chain of these: after 200 jobs it looked 200 times a second, at every ready job and the sizes of its inputs
    (https://github.com/snakemake/snakemake/pull/3744).
    """
    limit = scheduler.job_rate_limiter
    if limit is not None and (limit.max_jobs, limit.timespan) == DEFAULT:
        scheduler.job_rate_limiter = None
