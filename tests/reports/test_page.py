"""What the page of a study and the list of the studies say."""

import pytest

from keyfilters.reports.page import NAME, index, page
from keyfilters.reports.study_results import REPORT, StudyResults
from keyfilters.study.study import check
from tests.helpers.stubs import configuration

PACKAGES = {"zoo": {"packages": {"max_bytes": 400_000}}, "analysis": {}, "tables": {"filterdb_fig6": {}}}


@pytest.fixture
def study(tmp_path):
    def make(**sections):
        config = configuration(1, 1)
        config["studies"]["tiny"] |= sections
        results = tmp_path / "results/tiny"
        results.mkdir(parents=True, exist_ok=True)
        return StudyResults(check(config).current, "tiny", tmp_path / "artifacts", results, tmp_path / "logs")

    return make


def written(study):
    """The page of the study and the list of studies."""
    page(study)
    index([study])
    return (study.results / NAME).read_text(), (study.results.parent / NAME).read_text()


def test_a_study_that_trains_has_sets_a_network_and_seeds(study):
    of_study, of_all = written(study())
    assert "1 set of images at 32 px; the network is " in of_study
    assert "nothing is trained" not in of_study + of_all
    assert of_all.splitlines()[4].endswith(" | 1 | 32 px |")


def test_a_study_that_trains_nothing_has_networks_alone(study):
    tiny = study(**PACKAGES)
    of_study, of_all = written(tiny)
    assert tiny.only_read > 0
    assert f"are made. {tiny.only_read} networks; nothing is trained.\n" in of_study
    assert "px" not in of_study
    assert of_all.splitlines()[4].endswith(f" | none | none ({tiny.only_read} networks, nothing is trained) |")


def test_a_report_that_somebody_wrote_is_linked(study):
    without = written(study())
    assert not [text for text in without if REPORT in text]
    (study().results / REPORT).write_text("# What we found\n")
    of_study, of_all = written(study())
    assert "[REPORT.md](REPORT.md)" in of_study
    assert "| [`tiny`](tiny/README.md), [report](tiny/REPORT.md) |" in of_all
