"""The packages import each other in the order that docs/architecture.md has."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
CODE = PROJECT / "src/keyfilters"
PACKAGES = sorted(path.parent.name for path in CODE.glob("*/__init__.py"))
ROWS = re.findall(r"^\| ((?:`\w+/`(?:, )?)+) \|", (PROJECT / "docs/architecture.md").read_text(), re.MULTILINE)
ORDER = [package for row in ROWS for package in re.findall(r"`(\w+)/`", row)]


def imported(statements: list[ast.stmt]) -> Iterator[str]:
    """Packages of the project that a module imports as soon as it is imported itself."""
    for statement in statements:
        match statement:
            case ast.Import(names):
                yield from (name.name.split(".")[1] for name in names if name.name.startswith("keyfilters."))
            case ast.ImportFrom("keyfilters", names):
                yield from (name.name for name in names)
            case ast.ImportFrom(str(module)) if module.startswith("keyfilters."):
                yield module.split(".")[1]
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.If(test=ast.Name("TYPE_CHECKING")):
                pass
            case _:
                yield from imported([part for part in ast.iter_child_nodes(statement) if isinstance(part, ast.stmt)])


def test_the_page_has_every_package_once():
    assert sorted(ORDER) == PACKAGES


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_those_above_it_in_the_table_alone(package):
    below = ORDER[ORDER.index(package) + 1 :]
    wrong = {
        str(path.relative_to(CODE)): other
        for path in sorted((CODE / package).rglob("*.py"))
        for other in imported(ast.parse(path.read_text()).body)
        if other in below
    }
    assert not wrong
