"""dvc.yaml has a stage for everything that a study can make, and no two stages own one folder."""

from pathlib import Path

import pytest
import yaml

from keyfilters import jobs
from keyfilters.experiments import Tables
from keyfilters.study import check

PROJECT = Path(__file__).parent.parent
STAGES = yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"]
STUDY = check(yaml.safe_load((PROJECT / "config.yaml").read_text())).current


def parameters(stage, file):
    return [name for given in STAGES[stage]["params"] for name in given.get(file, ())]


def test_every_table_has_a_stage():
    assert set(STAGES) == {"sets", "models", "other_models", "lowres_models", *Tables.model_fields}


@pytest.mark.parametrize("table", Tables.model_fields)
def test_a_tables_stage_has_all_that_decides_it(table):
    job = jobs.tables(STUDY)[table]
    walked = list(jobs.walk([job]))
    assert set(parameters(table, "src/keyfilters/versions.yaml")) == {given.stage for given in walked}
    assert f"studies.${{study}}.tables.{table}" in parameters(table, "config.yaml")
    owned = {given.room for given in walked if given.stage == "transfer"}
    read = {given.room for given in walked if given.stage in ("prepare", "train")}
    folders = {out.rpartition("/")[2] for out in map(next, map(iter, STAGES[table]["outs"])) if "artifacts" in out}
    assert folders == owned
    deps = {dep.rpartition("/")[2] for dep in STAGES[table]["deps"]}
    assert read & {"train", "train_other", "train_lowres"} <= deps
    assert ("train_lowres" in read) == ("studies.${study}.lowres" in parameters(table, "config.yaml"))
    assert ("train_other" in read) <= ("studies.${study}.models" in parameters(table, "config.yaml"))
    assert all(f"all_{room}" in STAGES[table]["cmd"] and f"prune {room}" in STAGES[table]["cmd"] for room in owned)


def test_the_low_resolution_networks_decide_which_sets_there_are():
    assert "studies.${study}.lowres" in parameters("sets", "config.yaml")
    assert "studies.${study}.lowres" in parameters("lowres_models", "config.yaml")
