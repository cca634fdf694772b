"""Keys: a changed setting reaches exactly the jobs that depend on it."""

import copy
from pathlib import Path

import yaml

from keyfilters import jobs
from keyfilters.study import check

CONFIG = yaml.safe_load((Path(__file__).parent.parent / "config.yaml").read_text())


def cell_keys(config):
    return {name: job.key for name, job in jobs.cells(check(config).current).items()}


def changed_cells(change):
    """Names of the cells whose key differs after `change(study)`."""
    config = copy.deepcopy(CONFIG)
    change(config["studies"]["mini"])
    before, after = cell_keys(CONFIG), cell_keys(config)
    return {name for name in before | after if before.get(name) != after.get(name)}


def test_the_mini_study_has_49_trainings():
    study = check(CONFIG).current
    stages = [job.stage for job in jobs.walk(jobs.tables(study).values())]
    assert len(study.seeds) == 1
    assert stages.count("train") == 7
    assert stages.count("transfer") == 42


def test_the_same_configuration_gives_the_same_keys():
    assert cell_keys(CONFIG) == cell_keys(copy.deepcopy(CONFIG))


def test_a_sets_learning_rate_reaches_its_cells_and_those_that_take_its_filters():
    def change(study):
        study["training_of"]["signs"]["learning_rate"] = 0.001

    expected = {
        name
        for name in cell_keys(CONFIG)
        if name == "table7/signs" or name.startswith("table2/signs--") or name.endswith("--signs")
    }
    assert changed_cells(change) == expected
    assert len(expected) == 1 + 7 + 5


def test_a_name_of_a_set_that_is_only_a_source_reaches_its_column_alone():
    def change(study):
        study["datasets"]["cifar10"]["train_per_class"] = 10

    assert changed_cells(change) == {
        name for name in cell_keys(CONFIG) if name == "table7/cifar10" or name.endswith("--cifar10")
    }


def test_a_default_written_out_changes_nothing():
    def change(study):
        study["datasets"]["signs"]["test_share"] = 0.2

    assert changed_cells(change) == set()


def test_a_stages_version_reaches_everything_above_it(monkeypatch):
    before = cell_keys(CONFIG)
    monkeypatch.setitem(jobs.VERSIONS, "transfer", jobs.VERSIONS["transfer"] + 1)
    after = cell_keys(CONFIG)
    assert {name for name in before if before[name] != after[name]} == {
        name for name in before if name.startswith("table2/")
    }


def test_where_an_archive_lies_is_no_part_of_its_identity():
    def keys(path):
        config = copy.deepcopy(CONFIG)
        config["studies"]["mini"]["datasets"]["mine"] = {
            "source": "archive",
            "path": path,
            "sha256": "0" * 64,
        }
        return cell_keys(config)

    assert keys("a.tar") == keys("elsewhere/b.tar")
