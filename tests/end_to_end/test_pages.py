"""A study's page and Snakemake's report: every table is there, what is missing is marked, links lead somewhere."""

import re

from keyfilters.reports.page import NAME, index, page
from keyfilters.reports.study_results import StudyResults
from keyfilters.study.study import load


def results(folder) -> StudyResults:
    config = load(folder / "config.yaml")
    return StudyResults(config.current, "tiny", folder / "artifacts/tiny", folder / "results/tiny", folder / "logs")


def broken(file):
    """Links of a Markdown file that lead nowhere."""
    links = re.findall(r"\]\(([^)]+)\)", file.read_text())
    assert links
    return [link for link in links if not (file.parent / link).exists()]


def test_the_page_shows_every_table_with_its_command_and_cost(study):
    assert study.build("page")
    text = (study.results / NAME).read_text()
    for table in ("table2", "table7"):
        assert f"](tables/{table}.png)" in text
        assert f"`snakemake --cores all {table} --config study=tiny`; all that it rests on took " in text
    assert "2 of 2 tables and figures are made" in text
    assert "not on record" not in text
    assert broken(study.results / NAME) == []
    assert "[`tiny`](tiny/README.md) | 2 of 2 made" in (study.results.parent / NAME).read_text()
    assert study.plan("page") == {}


def test_what_was_not_made_is_marked(study):
    for file in (study.results / "tables").glob("table7.*"):
        file.unlink()
    incomplete = results(study.folder)
    page(incomplete)
    text = (study.results / NAME).read_text()
    assert "1 of 2 tables and figures are made" in text
    assert "Not made. Make it: `snakemake --cores all table7 --config study=tiny`" in text
    assert broken(study.results / NAME) == []
    index([incomplete])
    assert "1 of 2 made" in (study.results.parent / NAME).read_text()


def test_a_table_of_other_settings_is_marked(study):
    study.configure(lambda settings: settings["training"].update(epochs=3))
    page(results(study.folder))
    assert "**Stale**" in (study.results / NAME).read_text()


def test_snakemakes_report_has_the_tables_with_captions(study):
    study.build("--report", "report.html")
    text = (study.folder / "report.html").read_text()
    for part in ("The Master Key Filters Hypothesis", "Accuracy of the base models.", "table2.png", "table7.csv"):
        assert part in text
