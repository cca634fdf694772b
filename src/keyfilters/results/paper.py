"""The numbers that *The Master Key Filters Hypothesis* prints."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import pandas as pd


@cache
def numbers(table: str) -> dict[tuple[str, str], float]:
    """By row and column of `table` (`table1` to `table7`): accuracies in percent, in Table 6 counts.

    Sets are called as in the paper's Table 6, models as `cells.title` calls them.
    """
    with files("keyfilters.published").joinpath("master_key_filters.csv").open() as file:
        printed = pd.read_csv(file)
    printed = printed[printed["table"] == table]
    return printed.set_index(["row", "column"])["value"].to_dict()
