"""CITATION.cff: what the format 1.2.0 wants, this version, and both papers."""

import re
import tomllib
from pathlib import Path

import yaml

PROJECT = Path(__file__).parents[1]
CITED = yaml.safe_load((PROJECT / "CITATION.cff").read_text())


def test_it_is_of_the_format_and_of_this_version():
    assert {"cff-version", "message", "title", "authors"} <= set(CITED)
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert (CITED["title"], CITED["version"], CITED["license"]) == (
        project["name"],
        project["version"],
        project["license"],
    )


def test_both_papers_are_references_with_the_addresses_of_the_readme():
    papers = CITED["references"]
    assert [paper["authors"][0]["family-names"] for paper in papers] == ["Babaiee", "Gavrikov"]
    for paper in papers:
        assert {"type", "title", "authors", "year", "collection-title", "url"} <= set(paper)
        assert all({"given-names", "family-names"} == set(author) for author in paper["authors"])
        assert paper["url"] in (PROJECT / "README.md").read_text()
        assert re.fullmatch(r"arXiv:\d{4}\.\d{5}", paper["identifiers"][0]["value"])
