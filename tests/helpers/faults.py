"""The table of faults in docs/faults.md, from the marks of the tests: `python tests/helpers/faults.py` writes it.

A test says what it tries as `@pytest.mark.fault(stage, fault, outcome)`. The marks are read from the sources, so that
no test has to be imported for it; a case of a parametrised test may have a mark of its own.
"""

import ast
from dataclasses import astuple, dataclass
from pathlib import Path

from tabulate import tabulate

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs/faults.md"
STAGES = (
    *("configuration", "planning", "fetch", "prepare", "train", "transfer", "extract", "weight file"),
    *("analysis", "HDF5", "cell", "table", "results", "artifact", "Snakemake", "SLURM", "DVC", "pull", "report"),
)
INTRODUCTION = """\
# Faults

What was done to the project on purpose, and what happened. Each row is a mark on a test that does it, and this page is
written from the marks (`python tests/helpers/faults.py`); a test compares it with them. A row holds as long as its test
passes.
"""


@dataclass(frozen=True)
class Fault:
    """A row of the table; `test` as pytest names it, without the cases of a parametrised one."""

    stage: str
    fault: str
    outcome: str
    test: str


def faults(folder: Path = PROJECT / "tests") -> list[Fault]:
    """The marks of all tests below a folder of the project, by stage.

    Raises ValueError for a mark that is no stage and two texts.
    """
    rows = [
        fault
        for path in sorted(folder.rglob("test_*.py"))
        for fault in _of_module(path.relative_to(PROJECT).as_posix(), path.read_text(encoding="utf-8"))
    ]
    return sorted(rows, key=lambda fault: STAGES.index(fault.stage))


def _of_module(name: str, source: str) -> list[Fault]:
    rows = []
    for function in ast.parse(source).body:
        if isinstance(function, ast.FunctionDef) and function.name.startswith("test_"):
            marks = [node for decorator in function.decorator_list for node in ast.walk(decorator) if _is_mark(node)]
            rows += [_fault(f"{name}::{function.name}", mark) for mark in marks]
    return rows


def _is_mark(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.fault"


def _fault(test: str, mark: ast.Call) -> Fault:
    try:
        stage, fault, outcome = (ast.literal_eval(argument) for argument in mark.args)
    except ValueError:
        raise ValueError(f"{test}: a mark is fault(stage, fault, outcome), three texts as they stand") from None
    if stage not in STAGES:
        raise ValueError(f"{test}: {stage!r} is none of the stages {', '.join(STAGES)}")
    return Fault(stage, fault, outcome, test)


def page(listed: list[Fault]) -> str:
    """The text of the page."""
    rows = [(*astuple(fault)[:3], f"`{fault.test.removeprefix('tests/')}`") for fault in listed]
    table = tabulate(rows, headers=("stage", "fault", "what happens", "test"), tablefmt="github")
    return f"{INTRODUCTION}\n{len(listed)} faults.\n\n{table}\n"


if __name__ == "__main__":
    PAGE.write_text(page(faults()), encoding="utf-8")
    print(f"{PAGE}: {len(faults())} faults")
