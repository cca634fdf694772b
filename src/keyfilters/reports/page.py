"""`keyfilters page`: what a study found, as one Markdown page beside its tables; and the list of all studies.

The page follows from the declarations of the study's tables and from what lies beside it: what is missing is marked.
"""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate

from keyfilters.reports.study_results import VERDICTS, Result, StudyResults
from keyfilters.reports.templates import render
from keyfilters.results.drawing import cells
from keyfilters.store.files import write_text

NAME = "README.md"  # a forge shows it below the folder's files


def page(study: StudyResults) -> None:
    """Write `<results>/README.md` of a study."""
    claims = study.outputs.get(VERDICTS)
    text = render(
        "study.md",
        study=study,
        network=cells.network(study.study.model.key_fields),
        verdicts=_shown(claims) if claims and claims.record else "",
        papers=study.by_paper,
        cost=study.cost([output.job for output in study.recorded]),
    )
    write_text(study.results / NAME, text)


def index(studies: Sequence[StudyResults]) -> None:
    """Write the list of the studies into the folder that holds their results."""
    folder = studies[0].results.parent
    write_text(folder / NAME, render("studies.md", studies=studies, page=NAME))


def _shown(output: Result) -> str:
    shown = output.record.get("shown")
    return tabulate(shown["rows"], shown["columns"], tablefmt="github", disable_numparse=True) if shown else ""
