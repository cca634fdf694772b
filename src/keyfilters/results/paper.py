"""The numbers that the papers and their authors print, and ours beside them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import pandas as pd

OTHERS = "Beside the paper, where row and column play the same role; its pictures, sizes and trainings are others"


@cache
def numbers(table: str) -> dict[tuple[str, str], float]:
    """By row and column of `table` (`table1` to `table7`, `lowres`): accuracies in percent, in Table 6 counts.

    Sets are called as in the paper's Table 6, models as `cells.title` calls them; in `lowres` both as in a study.
    """
    name = "low_resolution.csv" if table == "lowres" else "master_key_filters.csv"
    with files("keyfilters.published").joinpath(name).open() as file:
        printed = pd.read_csv(file)
    printed = printed[printed["table"] == table]
    return printed.set_index(["row", "column"])["value"].to_dict()


def beside(
    table: str,
    ours: Iterable[tuple[str, str, float]],
    head: str = OTHERS,
    theirs: str = "Paper's (%)",
) -> str:
    """Those of our accuracies `(row, column, percent)` whose row and column the paper has too, beside its own.

    `head` says whose they are and what about them is other, `theirs` is what their column is called.
    Returns Markdown, or nothing if no row and column are the paper's.
    """
    printed = numbers(table)
    lines = [
        (row, column, f"{value:.1f}", f"{printed[row, column]:.1f}", f"{value - printed[row, column]:+.1f}")
        for row, column, value in ours
        if (row, column) in printed
    ]
    if not lines:
        return ""
    shown = pd.DataFrame(lines, columns=["Row", "Column", "Ours (%)", theirs, "Difference (points)"])
    return f"{head}:\n\n{shown.to_markdown(index=False, disable_numparse=True)}"
