"""`keyfilters claims`: what Master Key Filters claims, and whether the study's numbers support it.

Each claim is about an effect in points of accuracy: a mean over differences between cells of one seed. Over the
seeds, the effect has a 95 % confidence interval (Student's t). The claim says in which range the effect lies: it is
supported if the whole interval is in it, contradicted if no part is, and else the numbers cannot tell, as they never
can with one seed.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from scipy.stats import t

from keyfilters.results.drawing import cells, paper
from keyfilters.results.drawing.table import Grid, publish

MARGIN = 1.0  # points that count as no difference: the paper calls 0.7 no significant drop (Table 1)
MARKS = {"supported": "higher", "contradicted": "lower", "cannot tell": "same", "not made": ""}

Record = Mapping[str, Any]
Pairs = list[tuple[Record, Record]]


@dataclass(frozen=True)
class Claim:
    """`pairs` of the cells of `table` whose differences (first minus second) the claim is about, and the bounds
    between which their mean lies if it is true; `printed` is the same mean of the paper's own numbers, if it has them.
    """

    table: str
    text: str
    pairs: Callable[[Mapping[str, Record]], Pairs]
    low: float
    high: float
    printed: float | None = None


def _last_layer(made: Mapping[str, Record]) -> Pairs:
    transferred = [record for name, record in made.items() if name != "base"]
    return [(max(transferred, key=lambda record: record["role"]["n"]), made["base"])]


def _larger_sources(made: Mapping[str, Record]) -> Pairs:
    """The smaller half of the targets, with every source that has more training pictures, against their selffers."""
    targets = cells.by_size([record["target"] for record in made.values()])
    small = {target["name"] for target in targets[len(targets) // 2 :]}
    return [
        (record, made["--".join([record["target"]["name"]] * 2)])
        for record in made.values()
        if record["target"]["name"] in small and record["source"]["train"] > record["target"]["train"]
    ]


def _selffers(made: Mapping[str, Record]) -> Pairs:
    return [
        (record, made[record["target"]["name"]])
        for record in made.values()
        if record["source"] and record["source"]["name"] == record["target"]["name"]
    ]


def _printed_larger_sources() -> float:
    sizes = {row: count for (row, column), count in paper.numbers("table6").items() if column == "Train"}
    numbers = paper.numbers("table2")
    targets = sorted({row for row, _ in numbers}, key=lambda row: -sizes[row])
    return statistics.fmean(
        value - numbers[row, row]
        for (row, column), value in numbers.items()
        if row in targets[len(targets) // 2 :] and sizes[column] > sizes[row]
    )


def _printed_selffers() -> float:
    bases = paper.numbers("table7")
    return statistics.fmean(
        value - bases["Accuracy", row] for (row, column), value in paper.numbers("table5").items() if row == column
    )


def _printed_method(column: str) -> float:
    numbers = paper.numbers("table1")
    return numbers["Accuracy", column] - numbers["Accuracy", "Baseline"]


CLAIMS = (
    Claim(
        "fig2c",
        "No drop with the filters of all depthwise layers, up to the last (Figure 2c)",
        _last_layer,
        -MARGIN,
        math.inf,
    ),
    Claim(
        "table2",
        "Depthwise filters of larger sources help small targets more than their own (Table 2)",
        _larger_sources,
        0,
        math.inf,
        _printed_larger_sources(),
    ),
    Claim(
        "table5",
        "Pointwise layers lose even when they come from the target itself (Table 5)",
        _selffers,
        -math.inf,
        0,
        _printed_selffers(),
    ),
    Claim(
        "table1",
        "Shuffled filters stay within a point of the baseline (Table 1)",
        lambda made: [(made["shuffled"], made["baseline"])],
        -MARGIN,
        MARGIN,
        _printed_method("Shuffled"),
    ),
    Claim(
        "table1",
        "Filters of the first 3 layers, repeated, stay within a point of it (Table 1)",
        lambda made: [(made["repeated"], made["baseline"])],
        -MARGIN,
        MARGIN,
        _printed_method("Only first 3 layers, repeated"),
    ),
)


def effect(pairs: Iterable[tuple[Record, Record]]) -> list[float]:
    """The mean difference of the pairs under each seed, in points."""
    differences: dict[int, list[float]] = {}
    for one, other in pairs:
        reference = {run["seed"]: run["accuracy"] for run in other["runs"]}
        for run in one["runs"]:
            differences.setdefault(run["seed"], []).append(run["accuracy"] - reference[run["seed"]])
    return [statistics.fmean(differences[seed]) for seed in sorted(differences)]


def interval(effects: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % confidence interval of the mean over seeds by Student's t; None of fewer than two."""
    if len(effects) < 2:
        return None
    half = t.ppf(0.975, len(effects) - 1) * statistics.stdev(effects) / math.sqrt(len(effects))
    return statistics.fmean(effects) - half, statistics.fmean(effects) + half


def verdict(bounds: tuple[float, float] | None, low: float, high: float) -> str:
    """`supported`, `contradicted` or `cannot tell`: where the interval lies against the claim's own bounds."""
    if bounds is None:
        return "cannot tell"
    if low <= bounds[0] and bounds[1] <= high:
        return "supported"
    return "contradicted" if bounds[1] < low or bounds[0] > high else "cannot tell"


def claims(description: Mapping[str, Any], file: Path) -> None:
    """Render `<results>/tables/claims.*` from `<results>/cells`."""
    results = file.parents[1]
    by_table: dict[str, dict[str, Record]] = {}
    for name, record in zip(description["inputs"], cells.load(description, results), strict=True):
        table, _, cell = name.partition("/")
        if not cells.control(record):
            by_table.setdefault(table, {})[cell] = record
    rows = [_judge(claim, by_table.get(claim.table, {})) for claim in CLAIMS]
    grid = Grid(
        corner="Claim",
        columns=["Effect (points)", "95 % interval", "n", "Paper's effect", "Verdict"],
        rows=[row["claim"] for row in rows],
        text=[_text(row) for row in rows],
        marks=[["", "", "", "", MARKS[row["verdict"]]] for row in rows],
        lead=5.2,
    )
    notes = [
        f"Study `{results.name}`. Effect: a mean over differences between cells of one seed; its interval over the n "
        "seeds by Student's t. Supported: the whole interval fits the claim; contradicted: no part of it does; else "
        "the numbers cannot tell, as they never can with one seed.",
        f"The first claim allows a loss of {MARGIN:g} point, the last two a difference of {MARGIN:g}; small targets "
        "are the smaller half of Table 2's targets, larger sources have more training pictures than the target. "
        "The paper's effect is the same mean of its printed numbers.",
    ]
    publish(description, file, pd.DataFrame(rows), grid, "What the paper claims, and what these numbers say", notes)


def _judge(claim: Claim, made: Mapping[str, Record]) -> dict[str, Any]:
    effects = effect(claim.pairs(made)) if made else []
    bounds = interval(effects)
    return {
        "claim": claim.text,
        "effect": statistics.fmean(effects) if effects else None,
        "low": bounds and bounds[0],
        "high": bounds and bounds[1],
        "n": len(effects),
        "paper_effect": claim.printed,
        "verdict": verdict(bounds, claim.low, claim.high) if effects else "not made",
    }


def _text(row: Mapping[str, Any]) -> list[str]:
    def points(value: float | None) -> str:
        return "" if value is None else f"{value:+.1f}"

    bounds = "" if row["low"] is None else f"{points(row['low'])} to {points(row['high'])}"
    return [points(row["effect"]), bounds, str(row["n"]), points(row["paper_effect"]), row["verdict"]]
