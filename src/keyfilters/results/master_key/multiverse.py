"""The table `multiverse`: whether effects of Tables 1 and 4 and Figure 2b hold under other choices where the paper is
silent (ours).

A small one in the sense of Steegen, Tuerlinckx, Gelman and Vanpaemel (2016), doi.org/10.1177/1745691616658637: every
combination of the choices that a claim has, and the share of them in which the effect has the sign that it has under
the study's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keyfilters.analysis.effects import Effect
from keyfilters.config.transfer import STACKINGS, TRAINED_OR_COPIED, Choices
from keyfilters.results.differences import Record, bounds, difference, excludes_zero, in_points
from keyfilters.results.drawing import cells
from keyfilters.results.drawing.arrows import Mark, mark
from keyfilters.results.drawing.table import Grid, publish
from keyfilters.results.master_key.claims import NOT_TESTABLE, by_table, point, uses_filters, verdict

SIGNS = {-1: "below zero", 0: "zero", 1: "above zero"}
DIRECTIONS = {"supported": "up", "above zero": "up", "contradicted": "down", "below zero": "down"}


@dataclass(frozen=True)
class Question:
    """An effect, the accuracy of the cells `one` less that of `other`; whether it lies within `margins` points of zero,
    each by itself, or without any, on which side of zero it lies. `choice` is what can be trained or copied; filters
    may be stacked in ways `stackings`; `needs_filters` as of a claim."""

    text: str
    one: str
    other: str
    margins: Sequence[float | None] = (None,)
    stackings: Sequence[str] = STACKINGS[:1]
    choice: str = "bias"
    needs_filters: bool = True


@dataclass(frozen=True)
class Answer:
    """To a question under one choice: the effect, what it says, and the cell of its first part."""

    margin: float | None
    chosen: str
    stacking: str
    effect: Effect | None
    says: str
    cell: str

    @property
    def sign(self) -> str:
        return _sign(self.effect)


def multiverse(description: Mapping[str, Any], file: Path) -> None:
    """Render `<results>/tables/multiverse.*` from `<results>/cells`: a row for each claim and margin, a column for each
    other choice."""
    results, settings = file.parents[1], description["settings"]
    every = cells.load(description, results)
    questions = list(_questions(every, settings["margins"]))
    columns = list(product(max((question.stackings for question in questions), key=len), TRAINED_OR_COPIED))
    rows, names, text, marks, of_cells = [], [], [], [], []
    for question in questions:
        answers = _answers(question, every, settings[question.choice])
        own = _own(question, answers)
        of_own = [answer for answer in answers if answer.margin == own.margin]
        holds = sum(answer.sign == own.sign for answer in of_own)
        rows += [_row(question, answer, own) for answer in answers]
        for margin in question.margins:
            of_margin = {(answer.stacking, answer.chosen): answer for answer in answers if answer.margin == margin}
            of_columns = [of_margin.get(column) for column in columns]
            share = f"{holds} of {len(of_own)}" if margin == own.margin else ""
            names.append(question.text if margin is None else question.text.format(margin=f"{margin:g}"))
            text.append([*("" if answer is None else _text(answer) for answer in of_columns), share])
            marks.append([*(Mark() if answer is None else _mark(answer) for answer in of_columns), Mark()])
            of_cells.append([*(answer and answer.cell for answer in of_columns), None])
    headers = [chosen.capitalize() + ("" if stacking == STACKINGS[0] else ", by stage") for stacking, chosen in columns]
    grid = Grid("Claim", [*headers, "Sign holds in"], names, text, marks, of_cells)
    notes = [
        cells.basis(every, results.name, "differences of top-1"),
        "Ours: differences in points of accuracy with their 95 % intervals over seeds and test images, each by itself; "
        "green where the interval is above zero or the claim supported, red where it is below or the claim "
        "contradicted. With one seed there is no interval, and nothing is coloured.",
        "Trained, copied: the bias of transferred filters, in Figure 2b the BatchNorm after them, from its start or "
        "copied and frozen with them; a bias of random filters, frozen as initialised. The study's own: bias "
        f"{settings['bias']}, in Figure 2b BatchNorm {settings['batch_norm']}. By stage: filters of another "
        "architecture end to end within each stage of the network, layers in a row that read maps of one size, instead "
        "of over all.",
        "Points of a margin are the paper's, scaled as in the table of claims; a margin's verdict is a test at 5 %, by "
        "itself. Sign holds in: how many of the claim's choices have an effect of the sign that it has under the "
        f"study's own. {NOT_TESTABLE.capitalize()}: as in the table of claims.",
    ]
    title = "Effects under other choices where the paper is silent (points of accuracy)"
    publish(description, file, pd.DataFrame(rows), grid, title, notes)


def _questions(every: Sequence[Record], margins: Sequence[float]) -> Iterator[Question]:
    """Those whose cells are there."""
    own = [record["cell"] for record in every]
    if "table1/transferred" in own:
        text = "Table 1: filters of a distant source stay near the baseline, margin {margin}"
        yield Question(text, "table1/transferred", "table1/baseline", margins)
    if "table1/random" in own:
        text = "Table 1: trained filters are worth more than random ones (trained - random)"
        yield Question(text, "table1/transferred", "table1/random")
    for name in own:
        if name.startswith("table4/") and name != "table4/selffer":
            text = "Table 4: another architecture's filters beat the target's own (other - selffer)"
            yield Question(text, name, "table4/selffer", stackings=STACKINGS)
    for name in own:
        if name.startswith("fig2b/") and name != "fig2b/base":
            text = "Figure 2b: a ResNet loses with all convolutions of a distant source (AnB - base)"
            yield Question(text, name, "fig2b/base", choice="batch_norm", needs_filters=False)


def _answers(question: Question, every: Sequence[Record], own: str) -> list[Answer]:
    """Under every choice, the study's `own` and its stacking first."""
    answers = []
    tables, table = by_table(every), question.one.partition("/")[0]
    choices = sorted(TRAINED_OR_COPIED, key=lambda chosen: chosen != own)
    for stacking, chosen in product(question.stackings, choices):
        names = question.one, question.other
        one, other = (_cell(every, name, question.choice, chosen, stacking) for name in names)
        effect = difference([(one, other)])
        testable = not question.needs_filters or uses_filters(table, [(one, other)], tables)
        for margin in question.margins:
            says = _says(effect, margin, other) if testable else NOT_TESTABLE
            answers.append(Answer(margin, chosen, stacking, effect, says, one["cell"]))
    return sorted(answers, key=lambda answer: question.margins.index(answer.margin))


def _cell(every: Sequence[Record], name: str, choice: str, chosen: str, stacking: str) -> Record:
    """The cell in the place of the table's own cell `name` under these choices; a base model has none of them, and
    only another architecture's filters are stacked."""
    candidates = [record for record in every if name in (record["cell"], record.get("role", {}).get("of"))]
    candidates = [
        record
        for record in candidates
        if not record["choices"] or getattr(Choices(**record["choices"]), choice) == chosen
    ]
    stacked = [record for record in candidates if record.get("role", {}).get("stacking", STACKINGS[0]) == stacking]
    return next(iter(stacked or candidates))


def _sign(effect: Effect | None) -> str:
    return SIGNS[int(np.sign(effect.mean))] if effect else ""


def _says(effect: Effect | None, margin: float | None, reference: Record) -> str:
    if effect is None or margin is None:
        return _sign(effect)
    return verdict(effect, -margin * point(reference), margin * point(reference))


def _own(question: Question, answers: Sequence[Answer]) -> Answer:
    """Under the study's own choices, with the margin nearest to the paper's point."""
    margin = question.margins[0] and min(question.margins, key=lambda margin: abs((margin or 0) - 1))
    return next(answer for answer in answers if answer.margin == margin)


def _row(question: Question, answer: Answer, own: Answer) -> dict[str, Any]:
    low, high = bounds(answer.effect)
    return {
        "claim": question.text if answer.margin is None else question.text.format(margin=f"{answer.margin:g}"),
        "margin": answer.margin,
        "choice": question.choice,
        "chosen": answer.chosen,
        "stacking": answer.stacking if len(question.stackings) > 1 else "",
        "effect": answer.effect.mean if answer.effect else None,
        "low": low,
        "high": high,
        "n": answer.effect.seeds if answer.effect else 0,
        "says": answer.says,
        "own": answer is own,
        "same_sign": answer.sign == own.sign,
    }


def _text(answer: Answer) -> str:
    shown = in_points(answer.effect)
    return f"{shown}, {answer.says}" if answer.margin or answer.says == NOT_TESTABLE else shown


def _mark(answer: Answer) -> Mark:
    decided = answer.says in DIRECTIONS and (answer.margin is not None or excludes_zero(answer.effect))
    return mark(DIRECTIONS.get(answer.says, ""), decided, bare=True)
