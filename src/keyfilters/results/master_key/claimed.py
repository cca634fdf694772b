"""What Master Key Filters claims, and which of a study's cells each claim compares.

Each claim is about an effect in points of accuracy, a mean over differences between cells of one target, and says in
which range it lies.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from keyfilters.results.differences import Compared, Record
from keyfilters.results.drawing import cells, paper

MARGIN = 1.0  # points of the paper's accuracies that count as no difference: it calls 0.7 no significant drop (Table 1)
LARGER = 2  # times as many training images

Cells = Mapping[str, Record]
"""Of one table or figure, by name."""
Tables = Mapping[str, Cells]


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

    @property
    def of_direction(self) -> bool:
        """Whether it says no more of the effect than its sign."""
        return 0 in (self.low, self.high)


def _transferred(by_name: Cells, series: str | None = None) -> list[Record]:
    """The cells of a curve by n, of one series or of all, without controls."""
    records = [record for record in by_name.values() if "n" in record.get("role", {}) and not cells.control(record)]
    if series:
        records = [record for record in records if record["role"]["series"] == series]
    return sorted(records, key=lambda record: record["role"]["n"])


def _at_all_layers(series: str | None, by_name: Cells) -> Compared:
    """The transfer of all layers against the base model; nothing if the study does not go to the last layer."""
    last = cells.layers(by_name["base"])
    return [(record, by_name["base"]) for record in _transferred(by_name, series) if record["role"]["n"] == last]


def _distant_at_all_layers(by_name: Cells) -> Compared:
    return [pair for pair in _at_all_layers(None, by_name) if pair[0]["source"]["name"] != pair[1]["target"]["name"]]


def _before_the_last_ten(by_name: Cells) -> Compared:
    """The most layers that leave the last ten out."""
    earlier = [
        record for record in _transferred(by_name, "AnB") if record["role"]["n"] <= cells.layers(by_name["base"]) - 10
    ]
    return [(earlier[-1], by_name["base"])] if earlier else []


def _plateau(by_name: Cells) -> Compared:
    """All layers against two thirds of them, 8 of the paper's 12, of the distant source."""
    two_thirds = round(cells.layers(by_name["base"]) * 2 / 3)
    return [
        (last, earlier)
        for last, _ in _distant_at_all_layers(by_name)
        for earlier in _transferred(by_name)
        if earlier["role"]["n"] == two_thirds and earlier["source"]["name"] == last["source"]["name"]
    ]


def _named(one: str, other: str, by_name: Cells) -> Compared:
    return [(by_name[one], by_name[other])] if {one, other} <= by_name.keys() else []


def _others(reference: str, by_name: Cells) -> Compared:
    return [(record, by_name[reference]) for name, record in by_name.items() if name != reference]


def _sized(small: bool, by_name: Cells) -> Compared:
    """The smaller half of the targets with every much larger source, or the larger half with every much smaller one,
    against their selffers."""
    transfers = [record for record in by_name.values() if not cells.control(record)]
    targets = [target["name"] for target in cells.by_size([record["target"] for record in transfers])]
    half = targets[len(targets) // 2 :] if small else targets[: (len(targets) + 1) // 2]
    pairs = []
    for record in transfers:
        target, source = record["target"], record["source"]
        ratio = source["train"] / target["train"] if small else target["train"] / source["train"]
        if target["name"] in half and ratio >= LARGER:
            pairs.append((record, by_name[f"{target['name']}--{target['name']}"]))
    return pairs


def _pointwise(own: bool, by_name: Cells) -> Compared:
    return [
        (record, by_name[record["target"]["name"]])
        for record in by_name.values()
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


def printed_pointwise(own: bool, without: str = "") -> float:
    """The mean loss with pointwise layers by the paper's numbers: of selffers, or of all others; without one target."""
    bases, table = paper.numbers("table7"), paper.numbers("table5")
    return statistics.fmean(
        value - bases["Accuracy", row]
        for (row, column), value in table.items()
        if (row == column) == own and row != without
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
        "Figure 2b: without its last ten convolutions or more it does not lose a point",
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
        printed_pointwise(True),
        needs_filters=False,
    ),
    Claim(
        "table5",
        "Table 5: pointwise layers of other sets lose",
        partial(_pointwise, False),
        -math.inf,
        0,
        printed_pointwise(False),
        needs_filters=False,
    ),
)


def of_identity(table: str, target: str, tables: Tables) -> Compared:
    """The base model and the control `identity`, by which is judged whether the networks of a table use their depthwise
    filters: of a curve its own, of all layers, if it has one; else Table 1's for its networks, and Table 2's."""
    curve = tables.get(table, {})
    if "base" in curve:
        for record in curve.values():
            if cells.control(record) == "identity" and record["role"]["n"] == cells.layers(curve["base"]):
                return [(curve["base"], record)]
    pairs = _named("baseline", "identity", tables.get("table1", {}))
    of_target = [pair for pair in pairs if pair[0]["target"]["name"] == target]
    if table in ("table1", "fig2c") or (table in ("table3", "table4") and of_target):
        return of_target
    base, control = tables.get("table7", {}).get(target), tables.get("table2", {}).get(f"{target}--identity")
    return [(base, control)] if base and control else []


def of_controls(tables: Tables) -> list[Claim]:
    """What decides how the paper is to be read, for each target of Table 2 and for Table 1: ours."""
    claims = []
    table2, bases = tables.get("table2", {}), tables.get("table7", {})
    for target in dict.fromkeys(record["target"]["name"] for record in table2.values()):
        title = next(record["target"]["title"] for record in table2.values() if record["target"]["name"] == target)
        controls = {name: table2.get(f"{target}--{name}") for name in ("identity", "random")}
        trained = [
            record for record in table2.values() if record["target"]["name"] == target and not cells.control(record)
        ]
        if controls["identity"] and target in bases:
            pairs = [(bases[target], controls["identity"])]
            claims.append(_control("table2", f"{title}: spatial filters are worth something (base - identity)", pairs))
        if controls["random"]:
            pairs = [(record, controls["random"]) for record in trained]
            text = f"{title}: trained filters are worth more than random ones (trained - random)"
            claims.append(_control("table2", text, pairs, needs_filters=True))
    table1 = tables.get("table1", {})
    if pairs := _named("baseline", "identity", table1):
        text = "Table 1's target: spatial filters are worth something (base - identity)"
        claims.append(_control("table1", text, pairs))
    if pairs := _named("transferred", "random", table1):
        text = "Table 1's target: trained filters are worth more than random ones (trained - random)"
        claims.append(_control("table1", text, pairs, needs_filters=True))
    return claims


def _control(table: str, text: str, pairs: Compared, needs_filters: bool = False) -> Claim:
    return Claim(table, text, lambda _: pairs, 0, math.inf, needs_filters=needs_filters, ours=True)
