"""`keyfilters power`: the seeds that a study lacks to decide each claim, and what they cost.

Small files alone are read, and those that are committed beside the results suffice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from keyfilters.analysis.effects import MOST_SEEDS, Effect, distance, least_distance
from keyfilters.errors import KeyfiltersError
from keyfilters.reports.study_results import VERDICTS, Cost, StudyResults
from keyfilters.results.master_key.claims import EQUIVALENT, SEEDS_NEEDED, Measured, judged

TRAININGS = ("train", "transfer")  # what a further seed makes anew; a prepared set stays
NOTE = (
    f"{SEEDS_NEEDED} Hours: of the missing seeds, the fewer of both, by what the trainings of the cells that are "
    "compared took a seed; lines that share trainings share their hours too."
)


@dataclass(frozen=True)
class Line:
    """What a claim lacks: `needed` seeds to be supported or contradicted, `equivalent` to be less than a point; `more`
    to be either, which cost so many hours of a core and a GPU. None where that is not known, or where more seeds do
    not help, and `remark` says why."""

    claim: str
    verdict: str
    effect: Effect | None
    needed: int | None
    equivalent: int | None
    more: int | None
    core_hours: float | None
    gpu_hours: float | None
    remark: str


def lines(study: StudyResults) -> list[Line]:
    """A line for each claim that the table `claims` judges.

    Raises KeyfiltersError if the study does not make that table, or a cell of it is missing or stale.
    """
    if VERDICTS not in study.outputs:
        raise KeyfiltersError(f"the study {study.name} judges no claims; put `{VERDICTS}: {{}}` below its tables")
    return [_line(study, measured) for measured in judged(study.outputs[VERDICTS].job.description, study.results)]


def power(study: StudyResults) -> Group:
    """The lines as people see them."""
    columns = ("effect", "deviation", "n", "seeds needed", f"for {EQUIVALENT}", "core h", "GPU h", "verdict", "")
    table = Table("claim", *columns)
    for line in lines(study):
        effect, hours = line.effect, (line.core_hours, line.gpu_hours)
        table.add_row(
            escape(line.claim),
            f"{effect.mean:+.2f}" if effect else "",
            "" if effect is None or effect.deviation is None else f"{effect.deviation:.2f}",
            str(effect.seeds) if effect else "",
            *("" if seeds is None else str(seeds) for seeds in (line.needed, line.equivalent)),
            *("" if value is None else f"{value:,.2f}" for value in hours),
            line.verdict,
            line.remark,
        )
    return Group(table, NOTE)


def _line(study: StudyResults, measured: Measured) -> Line:
    effect, needed, equivalent = measured.effect, measured.seeds_needed, measured.seeds_needed_equivalent
    enough = [seeds for seeds in (needed, equivalent) if seeds is not None]
    more = max(0, min(enough) - effect.seeds) if effect and enough else None
    spent = _spent(study, measured) if effect else None
    core_hours = gpu_hours = None
    if effect and spent and more is not None and spent.known == spent.jobs:
        core_hours, gpu_hours = (
            more * spent.seconds[name] / effect.seeds / 3600 for name in ("cpu_seconds", "gpu_seconds")
        )
    remark = "; ".join(_remarks(measured, more, spent))
    return Line(measured.claim.text, measured.verdict, effect, needed, equivalent, more, core_hours, gpu_hours, remark)


def _spent(study: StudyResults, measured: Measured) -> Cost:
    """On the trainings that the claim's effect rests on: of the seeds that all its cells have."""
    records = {record["cell"]: record for pair in measured.compared for record in pair}
    seeds = [{run["seed"] for run in record["runs"]} - {None} for record in records.values()]
    common = set.intersection(*filter(None, seeds)) | {None}  # a pretrained network has no seed
    trainings = [
        training
        for name in records
        for training in study.cells[name].job.inputs.values()
        if training.settings.get("seed") in common
    ]
    return study.cost(trainings, TRAININGS)


def _remarks(measured: Measured, more: int | None, spent: Cost | None) -> Iterator[str]:
    effect = measured.effect
    if effect is None:
        yield "its cells were not run"
    elif effect.error is None:
        yield "one seed has no spread to reckon with"
    elif more is None:
        least, distant = least_distance(effect), distance(effect, measured.low, measured.high)
        if distant < least:
            yield (
                f"more seeds do not help: for these test images it must lie {least:.2f} from the bound, and lies "
                f"{distant:.2f}"
            )
        else:
            yield f"more than {MOST_SEEDS:,} seeds: it lies {distant:.2f} from the bound"
    elif not more and measured.verdict == "undecided":
        yield "enough by itself, not among so many lines"
    if more and spent and spent.known < spent.jobs:
        yield f"no hours: {spent.jobs - spent.known} of {spent.jobs} trainings have no run record"
