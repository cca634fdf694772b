"""The numbers that *The Master Key Filters Hypothesis* prints, and ours beside them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import pandas as pd

from keyfilters.results.drawing.arrows import arrow

COMPARED_WITH = {"table1": "Baseline", "table3": "ConvNeXt femto", "table4": "ConvNeXt femto"}
"""The column that the others of a table with one line are compared with."""


@dataclass(frozen=True)
class Number:
    """One of our numbers; `row` and `column` are called as in the paper where they play the same role there.

    `arrow` as `arrows.arrow`, empty where nothing is compared; `n` seeds; `cell`: its name, if it is one's.
    """

    row: str
    column: str
    value: float
    n: int | None = None
    arrow: str = ""
    cell: str | None = None


@cache
def numbers(table: str) -> dict[tuple[str, str], float]:
    """By row and column of `table` (`table1` to `table7`): accuracies in percent, in Table 6 counts.

    Sets are called as in the paper's Table 6, models as `cells.title` calls them.
    """
    with files("keyfilters.published").joinpath("master_key_filters.csv").open() as file:
        printed = pd.read_csv(file)
    printed = printed[printed["table"] == table]
    return printed.set_index(["row", "column"])["value"].to_dict()


def reference(table: str, row: str, column: str) -> float | None:
    """What the paper's number is compared with: its row's selffer in Table 2, its row's base model in Table 5, one
    column in Tables 1, 3 and 4; None where it is that number itself, or nothing is compared."""
    if table == "table2":
        return None if row == column else numbers(table)[row, row]
    if table == "table5":
        return numbers("table7")["Accuracy", row]
    other = COMPARED_WITH.get(table)
    return None if other in (None, column) else numbers(table)[row, other]


def twin(table: str, ours: Iterable[Number]) -> pd.DataFrame:
    """Our numbers and the paper's, a line for each row and column that either has.

    `same_arrow` is None unless both have an arrow.
    """
    printed, lines = numbers(table), []
    by_place = {(number.row, number.column): number for number in ours}
    for place in dict.fromkeys([*by_place, *printed]):
        number, theirs = by_place.get(place), printed.get(place)
        compared = None if theirs is None else reference(table, *place)
        mine, their = number.arrow if number else "", "" if compared is None else arrow(theirs - compared)
        lines.append(
            {
                "row": place[0],
                "column": place[1],
                "ours": number.value if number else None,
                "n": number.n if number else None,
                "paper": theirs,
                "difference": None if number is None or theirs is None else number.value - theirs,
                "arrow": mine,
                "paper_arrow": their,
                "same_arrow": mine == their if mine and their else None,
                "cell": number.cell if number else None,
            }
        )
    return pd.DataFrame(lines).astype({"n": "Int64", "same_arrow": "boolean"})


def shown(twin: pd.DataFrame) -> str:
    """The accuracies of a twin that the paper has too as Markdown, or nothing if there is none.

    Counts, which have no n, stand beside the paper's in Table 6 itself.
    """
    both = twin[twin["difference"].notna() & twin["n"].notna()]
    if both.empty:
        return ""
    accuracies = {"Ours (%)": both["ours"], "Paper's (%)": both["paper"]}
    text = pd.DataFrame(
        {"Row": both["row"], "Column": both["column"]}
        | {name: values.map("{:.1f}".format) for name, values in accuracies.items()}
        | {"Difference (points)": both["difference"].map("{:+.1f}".format)}
        | {"Same arrow": ["" if same is pd.NA else "yes" if same else "no" for same in both["same_arrow"]]}
    ).to_markdown(index=False, disable_numparse=True)
    head = "Beside the paper, where row and column play the same role; its images, sizes and trainings are others:"
    compared = both["same_arrow"].dropna()
    tail = f"\n\n{compared.sum()} of {len(compared)} arrows are the paper's." if len(compared) else ""
    return f"{head}\n\n{text}{tail}"
