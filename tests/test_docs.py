"""Pages of the docs that follow from the code are up to date, and links lead somewhere."""

import importlib.util
import re
from pathlib import Path

import pandas as pd
import pytest

PROJECT = Path(__file__).parents[1]
GENERATE = importlib.util.spec_from_file_location("generate", PROJECT / "docs/generate.py")
generate = importlib.util.module_from_spec(GENERATE)
GENERATE.loader.exec_module(generate)

MARKDOWN = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md")])


@pytest.mark.parametrize("page", generate.PAGES)
def test_a_generated_page_is_what_the_code_gives(page):
    assert (PROJECT / "docs" / page).read_text() == generate.PAGES[page](), "run `make docs`"


def test_every_setting_says_what_it_means():
    undocumented = [
        f"{section.__name__}.{name}"
        for section in generate._sections(generate.Config)
        for name, field in section.model_fields.items()
        if not field.description
    ]
    assert not undocumented


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    local = [link for link in links if "://" not in link]
    assert not [link for link in local if not (page.parent / link).exists()]


def test_every_page_is_in_the_index():
    index = (PROJECT / "docs/README.md").read_text()
    assert not [page.name for page in PROJECT.glob("docs/*.md") if page.name != "README.md" and page.name not in index]


def test_numbers_of_the_store_are_those_of_the_results():
    text = " ".join((PROJECT / "docs/zoo.md").read_text().split())
    said = re.search(r"its store has ([\d,]+) networks with ([\d,]+) 3x3 filters", text)
    summary = pd.read_csv(PROJECT / "results/mini/filters/summary.csv")
    totals = (len(summary), summary["filters 3x3"].sum())
    assert tuple(int(number.replace(",", "")) for number in said.groups()) == totals
    every = re.search(r"All ([\d,]+) networks, .* of which ([\d,]+) are 3x3 of regular convolutions", text)
    summary = pd.read_csv(PROJECT / "results/packages/filters/summary.csv")
    totals = (len(summary), summary["regular 3x3"].sum())
    assert tuple(int(number.replace(",", "")) for number in every.groups()) == totals


def test_modules_that_docs_name_exist():
    named = [
        name for page in MARKDOWN for name in re.findall(r"`((?:src/keyfilters|tests)/[\w/.]+)`", page.read_text())
    ]
    assert not [name for name in named if not (PROJECT / name).exists()]


def test_names_of_python_that_docs_give_exist():
    named = {name for page in MARKDOWN for name in re.findall(r"`keyfilters\.([a-z_.]+[a-z_])", page.read_text())}
    assert named
    assert not [name for name in named if not is_defined(name)]


def is_defined(name: str) -> bool:
    """Whether `name`, as of a module or of what it defines, is in the package."""
    path = PROJECT / "src/keyfilters" / name.replace(".", "/")
    if path.is_dir() or path.with_suffix(".py").exists():
        return True
    module, defined = path.parent.with_suffix(".py"), re.compile(rf"^(def|class) {path.name}\b", re.MULTILINE)
    return module.exists() and bool(defined.search(module.read_text()))
