"""The table `claims`: whether a study's numbers support what Master Key Filters claims, `claimed.CLAIMS`.

A claim is supported if a test at 5 % says that its effect lies in the range that it states, contradicted if one says
that it lies outside; one on a sign alone that is neither is `less than a point` if two one-sided tests say so of its
effect (equivalence); all others are undecided. The tests of all claims of a study together are corrected by Holm's
method. A claim that rests on a network using its depthwise filters is not testable where a network without any spatial
filter, the control `identity`, is as good.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from keyfilters.analysis.effects import Effect, holm, p_outside, p_within, seeds_needed
from keyfilters.results.differences import Compared, Record, bounds, difference
from keyfilters.results.drawing import cells, files, paper
from keyfilters.results.drawing.forest import forest, named
from keyfilters.results.master_key.claimed import (
    CLAIMS,
    LARGER,
    MARGIN,
    Claim,
    Tables,
    of_controls,
    of_identity,
    printed_pointwise,
)

PAPER_ABOVE_CHANCE = 86.9 - 100 / 449  # of Table 1's baseline, on 449 classes: what the margin is scaled from
LEVEL = 0.05
EQUIVALENT = "less than a point"
NOT_TESTABLE = "not testable here"
SEEDS_NEEDED = (
    "Seeds needed: for a test at 5 % with 80 % power, if the effect is as measured, and of this line by itself: Holm's "
    f"correction wants more. Of a claim on a sign also those that would say that it is {EQUIVALENT}."
)


def claims(description: Mapping[str, Any], file: Path) -> None:
    """Render `<results>/tables/claims.*` from `<results>/cells`."""
    results = file.parents[1]
    level = _level(description)
    rows = [measured.row for measured in judged(description, results)]
    shown = pd.DataFrame([_text(row) for row in rows])
    notes = [
        f"Study `{results.name}`. Effect: points of accuracy, a mean over differences between cells of one seed. "
        "Interval: 95 %, by Student's t over the seeds with the test images' part in the error; each by itself. With "
        "one seed there is none, and nothing is decided.",
        f"Supported, contradicted: a one-sided test for each direction, for a range two of them (equivalence), at "
        f"{50 * level:.2g} % each, corrected by Holm over all lines that can be tested. {EQUIVALENT.capitalize()}: a "
        "claim on a sign is neither, and two one-sided tests say that its effect lies within a point of zero, at "
        f"{100 * level:.2g} % each, corrected by Holm over all such claims. {_on_looks(_looks(description))}They speak "
        "of these sets and networks, not of sets in general.",
        f"A point is {MARGIN:g} of the paper's {PAPER_ABOVE_CHANCE:.1f} above chance, scaled to the base model's own "
        f"distance from chance; much larger is {LARGER} times the training images; all layers are all that there are. "
        f"The paper's effect is the same mean of its printed numbers. {paper.on_pets()} Without Pets its effects of "
        f"Table 5 are {printed_pointwise(True, paper.PETS):+.1f} and {printed_pointwise(False, paper.PETS):+.1f}.",
        "Not testable here: the claim rests on networks that use their depthwise filters, and a network whose filters "
        "are all the identity is as good within the error, or was not trained.",
        f"{SEEDS_NEEDED} None where more test images are needed, or the effect lies at the bound.",
    ]
    title = "What the paper claims, and what these numbers say"
    files.publish(description, file, pd.DataFrame(rows), shown, title, notes, partial(forest, rows, title, notes))


@dataclass
class Measured:
    """A claim by a study's numbers: the pairs of cells that it compares; their effect, None where they were not run,
    and its p; the margin and the range that it states, in points of this study; the verdict."""

    claim: Claim
    compared: Compared
    effect: Effect | None
    margin: float
    low: float
    high: float
    p_supported: float
    p_contradicted: float
    p_equivalent: float | None
    verdict: str

    @property
    def seeds_needed(self) -> int | None:
        """To be supported or contradicted; see `effects.seeds_needed`."""
        return seeds_needed(self.effect, self.low, self.high, LEVEL / 2) if self.effect else None

    @property
    def seeds_needed_equivalent(self) -> int | None:
        """To be less than a point; None of a claim on more than a sign, or of an effect that is not."""
        if not self.effect or not self.claim.of_direction or abs(self.effect.mean) >= self.margin:
            return None
        return seeds_needed(self.effect, -self.margin, self.margin, LEVEL)

    @property
    def row(self) -> dict[str, Any]:
        """Of the table."""
        effect, (least, most) = self.effect, bounds(self.effect)
        return {
            "claim": self.claim.text,
            "ours": self.claim.ours,
            "effect": effect.mean if effect else None,
            "low": least,
            "high": most,
            "n": effect.seeds if effect else 0,
            "pairs": len(self.compared),
            "claimed_low": self.low if math.isfinite(self.low) else None,
            "claimed_high": self.high if math.isfinite(self.high) else None,
            "paper_effect": self.claim.printed,
            "p_supported": self.p_supported,
            "p_contradicted": self.p_contradicted,
            "p_equivalent": self.p_equivalent,
            "seeds_needed": self.seeds_needed,
            "seeds_needed_equivalent": self.seeds_needed_equivalent,
            "verdict": self.verdict,
        }


def judged(description: Mapping[str, Any], results: Path) -> list[Measured]:
    """Every claim with its verdict, by the cells below `results` that the job of `claims` names.

    Raises KeyfiltersError if one is missing or was made from other settings.
    """
    tables = by_table(cells.load(description, results))
    measured = [_measured(claim, tables) for claim in (*CLAIMS, *of_controls(tables))]
    _judge(measured, _level(description))
    return measured


def by_table(records: Sequence[Record]) -> Tables:
    """Cells by their names `<table>/<cell>`."""
    tables: dict[str, dict[str, Record]] = {}
    for record in records:
        table, _, cell = record["cell"].partition("/")
        tables.setdefault(table, {})[cell] = record
    return tables


def _level(description: Mapping[str, Any]) -> float:
    """Of the tests of one look, so that all looks together err in 5 % (Bonferroni)."""
    return LEVEL / _looks(description)


def _looks(description: Mapping[str, Any]) -> int:
    """How often these claims were judged, this time among them; see `study.master_key.Claims`."""
    return description["settings"]["looks"]


def _on_looks(count: int) -> str:
    """A sentence that ends in a space, if there is something to say."""
    if count == 1:
        return ""
    return f"They were judged {count} times, each time with more seeds, so 5 % are divided by {count} (Bonferroni). "


def _measured(claim: Claim, tables: Tables) -> Measured:
    """The claim's effect, without a verdict yet where it can be tested."""
    cells_of = tables.get(claim.table, {})
    compared = claim.compared(cells_of) if cells_of else []
    effect = difference(compared)
    margin = statistics.fmean(point(other) for _, other in compared) if compared else MARGIN
    low, high = (bound * margin if math.isfinite(bound) else bound for bound in (claim.low, claim.high))
    testable = effect is None or not claim.needs_filters or uses_filters(claim.table, compared, tables)
    verdict = "not run" if effect is None else "" if testable else NOT_TESTABLE
    within, outside = (test(effect, low, high) if effect else math.nan for test in (p_within, p_outside))
    equivalent = p_within(effect, -margin, margin) if effect and claim.of_direction else None
    return Measured(claim, compared, effect, margin, low, high, within, outside, equivalent, verdict)


def point(reference: Record) -> float:
    """How large one of the paper's points is here: in proportion to the reference's distance from chance."""
    chance = 100 / reference["target"]["classes"]
    return max(0.0, reference["mean"] - chance) / PAPER_ABOVE_CHANCE


def uses_filters(table: str, compared: Compared, tables: Tables) -> bool:
    """Whether the network of every target compared, in cells of `table`, is better than one whose filters are all the
    identity: by the interval of the difference; with one seed, which has none and decides nothing, by its sign."""
    for target in {one["target"]["name"] for one, _ in compared}:
        effect = difference(of_identity(table, target, tables))
        least, _ = bounds(effect)
        if effect is None or (effect.mean if least is None else least) <= 0:
            return False
    return True


def _judge(every: Sequence[Measured], level: float) -> None:
    """Give each that can be tested its verdict, with Holm's correction over both directions of all of them; and over
    the equivalence of all that are on a sign, which is a question of its own."""
    testable = [measured for measured in every if not measured.verdict]
    adjusted = holm([min(1.0, 2 * min(measured.p_supported, measured.p_contradicted)) for measured in testable])
    for measured, value in zip(testable, adjusted, strict=True):
        measured.verdict = _direction(measured.p_supported, measured.p_contradicted) if value <= level else "undecided"
    on_signs = [(measured, measured.p_equivalent) for measured in testable if measured.p_equivalent is not None]
    for (measured, _), value in zip(on_signs, holm([value for _, value in on_signs]), strict=True):
        if measured.verdict == "undecided" and value <= level:
            measured.verdict = EQUIVALENT


def verdict(effect: Effect, low: float, high: float) -> str:
    """On a claim that the effect lies between the bounds, by itself: without a correction for others."""
    tests = p_within(effect, low, high), p_outside(effect, low, high)
    return _direction(*tests) if 2 * min(tests) <= LEVEL else "undecided"


def _direction(p_supported: float, p_contradicted: float) -> str:
    return "supported" if p_supported <= p_contradicted else "contradicted"


def _text(row: Mapping[str, Any]) -> dict[str, str]:
    def points(value: float | None) -> str:
        return "" if value is None else f"{value:+.1f}"

    low, high = row["claimed_low"], row["claimed_high"]
    claimed = (
        f"above {low:+.1f}" if high is None else f"below {high:+.1f}" if low is None else f"{low:+.1f} to {high:+.1f}"
    )
    interval = f"{points(row['low'])} to {points(row['high'])}" if row["low"] is not None else ""
    return {
        "Claim": named(row),
        "Claimed": claimed,
        "Effect (points)": points(row["effect"]),
        "95 % interval": interval,
        "n": str(row["n"] or ""),
        "Paper's effect": points(row["paper_effect"]),
        "Seeds needed": str(row["seeds_needed"] or ""),
        f"For {EQUIVALENT}": str(row["seeds_needed_equivalent"] or ""),
        "Verdict": row["verdict"],
    }
