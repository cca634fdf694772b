"""What the pages of a study say of it."""

from pathlib import Path

from keyfilters.reports.study_results import StudyResults
from keyfilters.study.study import check
from tests.helpers.stubs import configuration

NOWHERE = Path("nowhere")


def results(seeds, **tables):
    config = configuration(1, 1)
    config["studies"]["tiny"] |= {"seeds": seeds, "tables": tables}
    return StudyResults(check(config).current, "tiny", NOWHERE, NOWHERE, NOWHERE)


def test_seeds_that_a_table_has_of_its_own_are_told():
    own = {"seeds": [0, 1, 2]}
    study = results([0, 1], table1=own | {"source": "set00", "target": "set00"}, table5=own, table7={})
    assert (study.seeds, study.seed_counts) == ("seeds 0, 1; table1, table5: 0, 1, 2", "2 to 3")


def test_seeds_that_a_cell_has_of_its_own_are_told():
    study = results([0, 1], table7={"seeds_of": {"set00": [0, 1, 2]}})
    assert (study.seeds, study.seed_counts) == ("seeds 0, 1; table7/set00: 0, 1, 2", "2 to 3")


def test_one_seed_is_one_seed():
    assert (results([0]).seeds, results([0]).seed_counts) == ("one seed", "1")
