"""The numbers that *The Master Key Filters Hypothesis* prints, and ours beside them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import pandas as pd

PETS = "Oxford-IIIT Pets"


@dataclass(frozen=True)
class Number:
    """One of our numbers; `row` and `column` are called as in the paper where they play the same role there.

    `arrow` as `arrows.arrow`, empty on a diagonal and where nothing is compared; `n` seeds; `cell`: its name, if it is
    one's.
    """

    row: str
    column: str
    value: float
    n: int | None = None
    arrow: str = ""
    cell: str | None = None


@cache
def _printed(table: str) -> pd.DataFrame:
    with files("keyfilters.published").joinpath("master_key_filters.csv").open() as file:
        printed = pd.read_csv(file, keep_default_na=False)
    return printed[printed["table"] == table].set_index(["row", "column"])


@cache
def numbers(table: str) -> dict[tuple[str, str], float]:
    """By row and column of `table` (`table1` to `table7`): accuracies in percent, in Table 6 counts.

    Sets are called as in the paper's Table 6, models as `cells.title` calls them.
    """
    return _printed(table)["value"].to_dict()


@cache
def arrows(table: str) -> dict[tuple[str, str], str]:
    """By row and column, the arrows that Tables 2 and 5 print: `up`, `down`, or `same` for none beside the number.

    Their diagonals, and all other tables, have no arrows. In seven cells they are others than the numbers say.
    """
    printed = _printed(table)["arrow"]
    return printed[printed != ""].to_dict()


def compare(table: str, ours: Iterable[Number]) -> pd.DataFrame:
    """Our numbers and the paper's, a line for each row and column that either has.

    The columns of arrows are there if the paper's table has arrows; `same_arrow` is None unless both have one.
    """
    printed, printed_arrows, lines = numbers(table), arrows(table), []
    by_position = {(number.row, number.column): number for number in ours}
    for position in dict.fromkeys([*by_position, *printed]):
        number, theirs = by_position.get(position), printed.get(position)
        line = {
            "row": position[0],
            "column": position[1],
            "ours": number.value if number else None,
            "n": number.n if number else None,
            "paper": theirs,
            "difference": None if number is None or theirs is None else number.value - theirs,
        }
        if printed_arrows:
            mine, their = number.arrow if number else "", printed_arrows.get(position, "")
            same = mine == their if mine and their else None
            line |= {"arrow": mine, "paper_arrow": their, "same_arrow": same}
        lines.append(line | {"cell": number.cell if number else None})
    types = {"n": "Int64"} | ({"same_arrow": "boolean"} if printed_arrows else {})
    return pd.DataFrame(lines).astype(types)


def shown(comparison: pd.DataFrame) -> str:
    """The accuracies of a comparison that the paper has too as Markdown, or nothing if there is none.

    Counts, which have no n, stand beside the paper's in Table 6 itself.
    """
    both = comparison[comparison["difference"].notna() & comparison["n"].notna()]
    if both.empty:
        return ""
    columns = {
        "Row": both["row"],
        "Column": both["column"],
        "Ours (%)": both["ours"].map("{:.1f}".format),
        "Paper's (%)": both["paper"].map("{:.1f}".format),
        "Difference (points)": both["difference"].map("{:+.1f}".format),
    }
    head = "Beside the paper, where row and column play the same role; its images, sizes and trainings are others:"
    tail = []
    if "same_arrow" in both:
        columns["Same arrow"] = ["" if same is pd.NA else "yes" if same else "no" for same in both["same_arrow"]]
        compared = both["same_arrow"].dropna()
        if len(compared):
            tail.append(f"{compared.sum()} of {len(compared)} arrows are those that the paper prints.")
    if PETS in {*both["row"], *both["column"][both["row"] == "Accuracy"]}:
        tail.append(on_pets())
    return "\n\n".join([head, pd.DataFrame(columns).to_markdown(index=False, disable_numparse=True), *tail])


def on_pets() -> str:
    """What the paper's numbers of Pets contradict, as a sentence."""
    base, depthwise, pointwise = (
        numbers("table7")["Accuracy", PETS],
        *(numbers(table)[PETS, PETS] for table in ("table2", "table5")),
    )
    return (
        f"The paper contradicts itself on Pets: it prints a base model of {base} % (Table 7) below the selffers with "
        f"depthwise filters, {depthwise} % (Table 2), and with pointwise layers, {pointwise} % (Table 5), and says "
        "that pointwise layers always lose."
    )
