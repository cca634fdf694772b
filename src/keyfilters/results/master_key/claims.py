"""`keyfilters claims`: what Master Key Filters claims, and whether the study's numbers support it.

Each claim is about an effect in points of accuracy, a mean over differences between cells of one target, and says in
which range it lies. A claim is supported if a test at 5 % says that it does, contradicted if one says that it lies
outside, undecided otherwise; the tests of all claims of a study together are corrected by Holm's method. A claim that
rests on a network using its depthwise filters is not testable where a network without any spatial filter, the control
`identity`, is as good.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from keyfilters.analysis.effects import Pair, effect, holm, p_outside, p_within, seeds_needed
from keyfilters.models.registry import layer_count
from keyfilters.results.drawing import cells, files, paper
from keyfilters.training.testing import unpacked

MARGIN = 1.0  # points of the paper's accuracies that count as no difference: it calls 0.7 no significant drop (Table 1)
PAPER_ABOVE_CHANCE = 86.9 - 100 / 449  # of Table 1's baseline, on 449 classes: what the margin is scaled from
LEVEL = 0.05
LARGER = 2  # times as many training images
COLOURS = {"supported": "#009E73", "contradicted": "#D55E00", "undecided": "#777777"}

Record = Mapping[str, Any]
Cells = Mapping[str, Record]
Tables = Mapping[str, Cells]
Compared = list[tuple[Record, Record]]


@dataclass(frozen=True)
class Claim:
    """`compared` gives the pairs of cells whose differences (first minus second) the claim is about, from the cells of
    `table`; it is true if their mean lies between `low` and `high`, in margins where these are not 0.

    `printed`: the same mean of the paper's own numbers, if it has them. `needs_filters`: whether it rests on the
    networks' using their depthwise filters. `ours`: whether the paper does not make it.
    """

    table: str
    text: str
    compared: Callable[[Cells], Compared]
    low: float
    high: float
    printed: float | None = None
    needs_filters: bool = True
    ours: bool = False


def _transferred(made: Cells, series: str | None = None) -> list[Record]:
    """The cells of a curve by n, of one series or of all, without controls."""
    found = [record for record in made.values() if "n" in record.get("role", {}) and not cells.control(record)]
    if series:
        found = [record for record in found if record["role"]["series"] == series]
    return sorted(found, key=lambda record: record["role"]["n"])


def _at_all_layers(series: str | None, made: Cells) -> Compared:
    """The transfer of all layers against the base model; nothing if the study does not go to the last layer."""
    model = made["base"]["role"]["model"]
    layers = layer_count(
        model["architecture"], {name: value for name, value in model.items() if name != "architecture"}
    )
    return [(record, made["base"]) for record in _transferred(made, series) if record["role"]["n"] == layers]


def _distant_at_all_layers(made: Cells) -> Compared:
    return [pair for pair in _at_all_layers(None, made) if pair[0]["source"]["name"] != pair[1]["target"]["name"]]


def _before_the_last_ten(made: Cells) -> Compared:
    """The most layers that leave the last ten of 49 out."""
    earlier = [record for record in _transferred(made, "AnB") if record["role"]["n"] <= 39]
    return [(earlier[-1], made["base"])] if earlier else []


def _plateau(made: Cells) -> Compared:
    """All layers against two thirds of them, 8 of the paper's 12, of the distant source."""
    distant = [record for record in _transferred(made) if record["source"]["name"] != made["base"]["target"]["name"]]
    last = distant[-1:]
    two_thirds = [record for record in distant if last and record["role"]["n"] == round(last[0]["role"]["n"] * 2 / 3)]
    return list(zip(last, two_thirds, strict=False))


def _named(one: str, other: str, made: Cells) -> Compared:
    return [(made[one], made[other])] if {one, other} <= made.keys() else []


def _others(reference: str, made: Cells) -> Compared:
    return [(record, made[reference]) for name, record in made.items() if name != reference]


def _sized(small: bool, made: Cells) -> Compared:
    """The smaller half of the targets with every much larger source, or the larger half with every much smaller one,
    against their selffers."""
    transfers = [record for record in made.values() if not cells.control(record)]
    targets = [target["name"] for target in cells.by_size([record["target"] for record in transfers])]
    half = targets[len(targets) // 2 :] if small else targets[: (len(targets) + 1) // 2]
    found = []
    for record in transfers:
        target, source = record["target"], record["source"]
        ratio = source["train"] / target["train"] if small else target["train"] / source["train"]
        if target["name"] in half and ratio >= LARGER:
            found.append((record, made[f"{target['name']}--{target['name']}"]))
    return found


def _pointwise(own: bool, made: Cells) -> Compared:
    return [
        (record, made[record["target"]["name"]])
        for record in made.values()
        if record["source"] and (record["source"]["name"] == record["target"]["name"]) == own
    ]


def _printed_larger_sources() -> float:
    sizes = {row: count for (row, column), count in paper.numbers("table6").items() if column == "Train"}
    numbers = paper.numbers("table2")
    targets = sorted({row for row, _ in numbers}, key=lambda row: -sizes[row])
    return statistics.fmean(
        value - numbers[row, row]
        for (row, column), value in numbers.items()
        if row in targets[len(targets) // 2 :] and sizes[column] >= LARGER * sizes[row]
    )


def _printed_pointwise(own: bool) -> float:
    bases, table = paper.numbers("table7"), paper.numbers("table5")
    return statistics.fmean(
        value - bases["Accuracy", row] for (row, column), value in table.items() if (row == column) == own
    )


def _printed(table: str, column: str, reference: str) -> float:
    numbers = paper.numbers(table)
    return numbers["Accuracy", column] - numbers["Accuracy", reference]


CLAIMS = (
    Claim(
        "fig2a",
        "Figure 2a: a plain network loses with all layers of a distant source",
        partial(_at_all_layers, "AnB"),
        -math.inf,
        0,
        needs_filters=False,
    ),
    Claim(
        "fig2b",
        "Figure 2b: a ResNet loses with all convolutions of a distant source",
        partial(_at_all_layers, "AnB"),
        -math.inf,
        0,
        needs_filters=False,
    ),
    Claim(
        "fig2b",
        "Figure 2b: without its last ten convolutions it does not lose a point",
        _before_the_last_ten,
        -MARGIN,
        math.inf,
        needs_filters=False,
    ),
    Claim(
        "fig2c",
        "Figure 2c: a ConvNeXt does not lose a point with all depthwise layers of a distant source",
        partial(_at_all_layers, "AnB"),
        -MARGIN,
        math.inf,
    ),
    Claim(
        "fig4",
        "Figure 4: all depthwise layers of a distant source gain over the base model",
        _distant_at_all_layers,
        0,
        math.inf,
    ),
    Claim("fig4", "Figure 4: the last third of the layers neither gains nor loses a point", _plateau, -MARGIN, MARGIN),
    Claim(
        "table1",
        "Table 1: all depthwise filters of a distant source stay within a point of the baseline",
        partial(_named, "transferred", "baseline"),
        -MARGIN,
        MARGIN,
        _printed("table1", "Transferred", "Baseline"),
    ),
    Claim(
        "table1",
        "Table 1: shuffled filters stay within a point of the baseline",
        partial(_named, "shuffled", "baseline"),
        -MARGIN,
        MARGIN,
        _printed("table1", "Shuffled", "Baseline"),
    ),
    Claim(
        "table1",
        "Table 1: filters of the first 3 layers, repeated, stay within a point of it",
        partial(_named, "repeated", "baseline"),
        -MARGIN,
        MARGIN,
        _printed("table1", "Only first 3 layers, repeated", "Baseline"),
    ),
    Claim(
        "table2",
        "Table 2: filters of much larger sources help small targets more than their own",
        partial(_sized, True),
        0,
        math.inf,
        _printed_larger_sources(),
    ),
    Claim(
        "table2",
        "Table 2: filters of much smaller sources help large targets less than their own",
        partial(_sized, False),
        -math.inf,
        0,
    ),
    Claim(
        "table3",
        "Table 3: filters of larger and of other models beat those of the same",
        partial(_others, "model"),
        0,
        math.inf,
    ),
    Claim(
        "table4",
        "Table 4: filters of another architecture and domain beat the target's own",
        partial(_others, "selffer"),
        0,
        math.inf,
    ),
    Claim(
        "table5",
        "Table 5: pointwise layers lose even when they come from the target itself",
        partial(_pointwise, True),
        -math.inf,
        0,
        _printed_pointwise(True),
        needs_filters=False,
    ),
    Claim(
        "table5",
        "Table 5: pointwise layers of other sets lose",
        partial(_pointwise, False),
        -math.inf,
        0,
        _printed_pointwise(False),
        needs_filters=False,
    ),
)


def claims(description: Mapping[str, Any], file: Path) -> None:
    """Render `<results>/tables/claims.*` from `<results>/cells`."""
    results = file.parents[1]
    made: dict[str, dict[str, Record]] = {}
    for name, record in zip(description["inputs"], cells.load(description, results), strict=True):
        table, _, cell = name.partition("/")
        made.setdefault(table, {})[cell] = record
    rows = [_measured(claim, made) for claim in (*CLAIMS, *_of_controls(made))]
    _judge(rows)
    shown = pd.DataFrame([_text(row) for row in rows])
    notes = [
        f"Study `{results.name}`. Effect: points of accuracy, a mean over differences between cells of one seed. "
        "Interval: 95 %, by Student's t over the seeds with the test images' part in the error; each by itself. With "
        "one seed there is none, and nothing is decided.",
        f"Supported, contradicted: a one-sided test for each direction, for a range two of them (equivalence), at "
        f"{LEVEL / 2:.1%} each, corrected by Holm over all lines that can be tested. They speak of these sets and "
        "networks, not of sets in general.",
        f"A point is {MARGIN:g} of the paper's {PAPER_ABOVE_CHANCE:.1f} above chance, scaled to the base model's own "
        f"distance from chance; much larger is {LARGER} times the training images; all layers are all that there are. "
        "The paper's effect is the same mean of its printed numbers.",
        "Not testable here: the claim rests on networks that use their depthwise filters, and a network whose filters "
        "are all the identity is as good within the error, or was not trained.",
        "Seeds needed: for a test at 5 % with 80 % power, if the effect is as measured, and of this line by itself: "
        "Holm's correction wants more. None where more test images are needed, or the effect lies at the bound.",
    ]
    title = "What the paper claims, and what these numbers say"
    files.publish(description, file, pd.DataFrame(rows), shown, title, notes, partial(_forest, rows, title, notes))


def _of_controls(made: Tables) -> list[Claim]:
    """What decides how the paper is to be read, for each target of Table 2 and for Table 1: ours."""
    found = []
    table2, bases = made.get("table2", {}), made.get("table7", {})
    for target in dict.fromkeys(record["target"]["name"] for record in table2.values()):
        title = next(record["target"]["title"] for record in table2.values() if record["target"]["name"] == target)
        controls = {name: table2.get(f"{target}--{name}") for name in ("identity", "random")}
        trained = [
            record for record in table2.values() if record["target"]["name"] == target and not cells.control(record)
        ]
        if controls["identity"] and target in bases:
            pairs = [(bases[target], controls["identity"])]
            found.append(_control("table2", f"{title}: spatial filters are worth something (base - identity)", pairs))
        if controls["random"]:
            pairs = [(record, controls["random"]) for record in trained]
            text = f"{title}: trained filters are worth more than random ones (trained - random)"
            found.append(_control("table2", text, pairs))
    table1 = made.get("table1", {})
    for one, other, text in (
        ("baseline", "identity", "Table 1's target: spatial filters are worth something (base - identity)"),
        ("transferred", "random", "Table 1's target: trained filters are worth more than random ones"),
    ):
        if pairs := _named(one, other, table1):
            found.append(_control("table1", text, pairs))
    return found


def _control(table: str, text: str, pairs: Compared) -> Claim:
    return Claim(table, text, lambda _: pairs, 0, math.inf, needs_filters=False, ours=True)


def _pairs(compared: Iterable[tuple[Record, Record]]) -> list[Pair]:
    return [Pair(one["target"]["name"], _tested(one), _tested(other)) for one, other in compared]


def _tested(record: Record) -> dict[int | None, Any]:
    images = record["target"]["test"]
    return {run["seed"]: unpacked(run["correct"], images) for run in record["runs"]}


def _measured(claim: Claim, made: Tables) -> dict[str, Any]:
    """The claim's effect, without a verdict yet."""
    cells_of = made.get(claim.table, {})
    compared = claim.compared(cells_of) if cells_of else []
    found = effect(_pairs(compared))
    margin = statistics.fmean(_margin(other) for _, other in compared) if compared else MARGIN
    low, high = (bound * margin if math.isfinite(bound) else bound for bound in (claim.low, claim.high))
    testable = found is None or not claim.needs_filters or _uses_filters(claim.table, compared, made)
    bounds = found.interval() if found else None
    return {
        "claim": claim.text,
        "ours": claim.ours,
        "effect": found.mean if found else None,
        "low": bounds[0] if bounds else None,
        "high": bounds[1] if bounds else None,
        "n": found.seeds if found else 0,
        "pairs": len(compared),
        "claimed_low": low if math.isfinite(low) else None,
        "claimed_high": high if math.isfinite(high) else None,
        "paper_effect": claim.printed,
        "p_supported": p_within(found, low, high) if found else None,
        "p_contradicted": p_outside(found, low, high) if found else None,
        "seeds_needed": seeds_needed(found, low, high) if found else None,
        "verdict": "not run" if found is None else "" if testable else "not testable here",
    }


def _margin(reference: Record) -> float:
    """How large one of the paper's points is here: in proportion to the reference's distance from chance."""
    chance = 100 / reference["target"]["classes"]
    return max(0.0, reference["mean"] - chance) / PAPER_ABOVE_CHANCE


def _uses_filters(table: str, compared: Compared, made: Tables) -> bool:
    """Whether every target's network is better than one whose filters are all the identity."""
    return all(_identity_loses(table, target, made) for target in {one["target"]["name"] for one, _ in compared})


def _identity_loses(table: str, target: str, made: Tables) -> bool:
    """By the interval of base minus identity; with one seed, which has none and decides nothing, by its sign."""
    places = {
        "table1": ("table1", "baseline", "table1", "identity"),
        "fig2c": ("table1", "baseline", "table1", "identity"),
    }
    base_table, base, control_table, control = places.get(table, ("table7", target, "table2", f"{target}--identity"))
    one, other = made.get(base_table, {}).get(base), made.get(control_table, {}).get(control)
    if one is None or other is None or one["target"]["name"] != target:
        return False
    found = effect(_pairs([(one, other)]))
    bounds = found.interval() if found else None
    return found is not None and (bounds[0] if bounds else found.mean) > 0


def _judge(rows: Sequence[dict[str, Any]]) -> None:
    """Give every row that can be tested its verdict, with Holm's correction over both directions of all of them."""
    open_rows = [row for row in rows if not row["verdict"]]
    adjusted = holm([min(1.0, 2 * min(row["p_supported"], row["p_contradicted"])) for row in open_rows])
    for row, value in zip(open_rows, adjusted, strict=True):
        direction = "supported" if row["p_supported"] <= row["p_contradicted"] else "contradicted"
        row["verdict"] = direction if value <= LEVEL else "undecided"


def _text(row: Mapping[str, Any]) -> dict[str, str]:
    def points(value: float | None) -> str:
        return "" if value is None else f"{value:+.1f}"

    low, high = row["claimed_low"], row["claimed_high"]
    claimed = (
        f"above {low:+.1f}" if high is None else f"below {high:+.1f}" if low is None else f"{low:+.1f} to {high:+.1f}"
    )
    interval = f"{points(row['low'])} to {points(row['high'])}" if row["low"] is not None else ""
    return {
        "Claim": row["claim"] + (" (ours)" if row["ours"] else ""),
        "Claimed": claimed,
        "Effect (points)": points(row["effect"]),
        "95 % interval": interval,
        "n": str(row["n"] or ""),
        "Paper's effect": points(row["paper_effect"]),
        "Seeds needed": str(row["seeds_needed"] or ""),
        "Verdict": row["verdict"],
    }


def _forest(rows: Sequence[Mapping[str, Any]], title: str, notes: Sequence[str]) -> Figure:
    """A line for each claim: the effect with its interval, the range that is claimed, the verdict."""
    drawn = [row for row in rows if row["effect"] is not None]
    figure, axes = plt.subplots(figsize=(9.5, 1.6 + 0.33 * max(1, len(drawn))), layout="constrained")
    reach = [abs(row[name]) for row in drawn for name in ("effect", "low", "high") if row[name] is not None]
    limit = 1.1 * (max(reach, default=0) or 1)
    for position, row in enumerate(reversed(drawn)):
        low = -limit if row["claimed_low"] is None else row["claimed_low"]
        high = limit if row["claimed_high"] is None else row["claimed_high"]
        axes.barh(position, high - low, left=low, height=0.8, color="#eef3f7", zorder=0)
        colour = COLOURS.get(row["verdict"], "#bbbbbb")
        if row["low"] is not None:
            axes.plot([row["low"], row["high"]], [position] * 2, color=colour, linewidth=2)
        axes.plot(row["effect"], position, "o", color=colour, markersize=5)
        needed = (
            f", {row['seeds_needed']} seeds needed" if row["verdict"] == "undecided" and row["seeds_needed"] else ""
        )
        axes.annotate(
            f"{row['verdict']}, n = {row['n']}{needed}",
            (1.01, position),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            color=colour,
        )
    axes.axvline(0, color="#333333", linewidth=0.8)
    axes.set_xlim(-limit, limit)
    axes.set_yticks(range(len(drawn)), [row["claim"] for row in reversed(drawn)], fontsize=8)
    axes.set_xlabel("effect (points of accuracy); shaded: the range that is claimed", fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    files.caption(figure, notes[:1])
    return figure
