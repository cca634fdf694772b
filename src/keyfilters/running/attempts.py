"""Whether a job was tried before."""

import os
import re
from collections.abc import Sequence

AGAIN = "KEYFILTERS_AGAIN"
"""Tells what runs below a job that SLURM started again; SLURM itself tells the batch script alone."""


def is_further_attempt(words: Sequence[str]) -> bool:
    """Whether a job or a group is tried again: by the Snakemake with the command line ``words``, or by SLURM itself.

    What this process starts will know it too.
    """
    if int(os.environ.get("SLURM_RESTART_COUNT", 0)) > 0:
        os.environ[AGAIN] = "1"
    return AGAIN in os.environ or re.search("--attempt (?!1 )", " ".join(words)) is not None
