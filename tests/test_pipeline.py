"""dvc.yaml has a stage for everything that a study can make, and no two stages own one folder."""

from pathlib import Path

import pytest
import yaml

from keyfilters.store import identity
from keyfilters.study import jobs
from keyfilters.study.study import check
from keyfilters.study.tables import OUTPUTS

PROJECT = Path(__file__).parent.parent
STAGES = yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"]
OF_OTHER_STUDIES = {
    "filterdb_zoo": "packages",
    "multiverse": "evidence",
    "depthwise_patterns": "packages",
    "depthwise_covariance": "packages",
}
"""Which only these make: DVC records what the study of its variable has."""
FIGURES = [name for name, output in OUTPUTS.items() if output.reads == "filters" and name not in OF_OTHER_STUDIES]
OF_OTHERS = ("claims", "controls", "fig2")  # read the cells of other tables and figures
TABLES = [name for name in OUTPUTS if name not in (*FIGURES, *OF_OTHERS, *OF_OTHER_STUDIES)]
MODELS = ("models", "other_models", "lowres_models")
TRANSFERS = {"transfers": "transfer", "pointwise_transfers": "transfer_pointwise", "other_transfers": "transfer_other"}
OF_EPOCHS = "filterdb_fig7"  # owns the artifacts of weights during training, so it has a stage of its own
CONFIG = check(yaml.safe_load((PROJECT / "config.yaml").read_text()))
STUDY = CONFIG.current


def parameters(stage, file):
    return [name for parameter in STAGES[stage]["params"] for name in parameter.get(file, ())]


def test_every_table_has_a_stage():
    others = {*OF_OTHERS, "sets", *MODELS, *TRANSFERS, "filters", "filterdb", "filter_figures"}
    assert set(STAGES) == {*others, *TABLES, OF_EPOCHS}
    others = {name: f"{OUTPUTS[name].kind}s" for name in FIGURES if name != OF_EPOCHS}
    assert STAGES["filter_figures"]["foreach"] == others


def test_the_study_of_the_pipeline_has_all_but_what_another_one_has():
    assert set(OUTPUTS) - set(jobs.tables(STUDY)) == set(OF_OTHER_STUDIES)
    for name, study in OF_OTHER_STUDIES.items():
        assert name in jobs.tables(CONFIG.studies[study])


def test_the_stage_of_filters_has_all_that_decides_them():
    walked = list(identity.walk([jobs.filters(STUDY)]))
    assert set(parameters("filters", "src/keyfilters/versions.yaml")) == {*(job.stage for job in walked), "readers"}
    assert {"studies.${study}.zoo", "studies.${study}.models"} <= set(parameters("filters", "config.yaml"))
    deps = {dep.rpartition("/")[2] for dep in STAGES["filters"]["deps"]}
    assert {job.stage_folder for job in walked if job.stage == "train"} | {"models.csv"} == deps


def test_the_stage_of_filterdb_has_all_that_decides_it():
    walked = list(identity.walk(jobs.filterdb(STUDY).values()))
    assert set(parameters("filterdb", "src/keyfilters/versions.yaml")) == {*(job.stage for job in walked), "readers"}
    sections = {f"studies.${{study}}.{section}" for section in ("models", "lowres", "zoo", "analysis")}
    assert sections <= set(parameters("filterdb", "config.yaml"))
    owned = {job.stage_folder for job in walked} - {
        "prepare",
        "train",
        "train_other",
        "train_lowres",
        "extract",
        "filterdb",
    }
    outs = [next(iter(out)) for out in STAGES["filterdb"]["outs"]]
    assert {out.rpartition("/")[2] for out in outs if out.startswith("artifacts")} == owned
    assert all(f"all_{folder}" in STAGES["filterdb"]["cmd"] for folder in owned)
    assert all(f"prune {folder}" in STAGES["filterdb"]["cmd"] for folder in owned)


@pytest.mark.parametrize("table", TABLES)
def test_a_tables_stage_has_all_that_decides_it(table):
    job = jobs.tables(STUDY)[table]
    walked = list(identity.walk([job]))
    assert set(parameters(table, "src/keyfilters/versions.yaml")) == {job.stage for job in walked}
    assert f"studies.${{study}}.tables.{table}" in parameters(table, "config.yaml")
    read = {job.stage_folder for job in walked if job.stage in ("prepare", "train", "transfer")}
    assert STAGES[table]["cmd"] == f"snakemake --cores all {table}"
    assert not any("artifacts" in out for out in map(next, map(iter, STAGES[table]["outs"])))
    deps = {dep.rpartition("/")[2] for dep in STAGES[table]["deps"]}
    assert read - {"prepare"} <= deps
    assert ("train_lowres" in read) == ("studies.${study}.lowres" in parameters(table, "config.yaml"))
    assert ("train_other" in read) <= ("studies.${study}.models" in parameters(table, "config.yaml"))


@pytest.mark.parametrize(("stage", "folder"), TRANSFERS.items())
def test_a_stage_of_transfers_owns_their_folder_and_has_all_that_decides_them(stage, folder):
    of_folder = [job for job in jobs.keyed(STUDY).values() if job.stage_folder == folder]
    walked = list(identity.walk(of_folder))
    assert set(parameters(stage, "src/keyfilters/versions.yaml")) == {job.stage for job in walked}
    assert {"studies.${study}.models", "studies.${study}.transfer", "studies.${study}.tables"} <= set(
        parameters(stage, "config.yaml")
    )
    assert {next(iter(out)).rpartition("/")[2] for out in STAGES[stage]["outs"]} == {folder}
    deps = {dep.rpartition("/")[2] for dep in STAGES[stage]["deps"]}
    assert {job.stage_folder for job in walked} - {folder} <= deps
    assert STAGES[stage]["cmd"] == f"snakemake --cores all all_{folder} && keyfilters prune {folder}"


@pytest.mark.parametrize("figure", FIGURES)
def test_the_stage_of_filter_figures_has_all_that_decides_them(figure):
    stage = STAGES[OF_EPOCHS] if figure == OF_EPOCHS else STAGES["filter_figures"]["do"]
    walked = list(identity.walk([jobs.tables(STUDY)[figure]]))
    names = [name for parameter in stage["params"] for name in parameter.get("src/keyfilters/versions.yaml", ())]
    assert {name.replace("${key}", figure) for name in names} >= {*(job.stage for job in walked), "readers"}
    settings = [name for parameter in stage["params"] for name in parameter.get("config.yaml", ())]
    assert set(parameters("filterdb", "config.yaml")) < set(settings)
    assert f"studies.${{study}}.tables.{figure if figure == OF_EPOCHS else '${key}'}" in settings


@pytest.mark.parametrize("name", OF_OTHERS)
def test_a_stage_of_others_cells_reads_those_and_has_all_that_decides_them(name):
    job = jobs.tables(STUDY)[name]
    tables = {cell.partition("/")[0] for cell in job.inputs}
    assert {f"results/${{study}}/cells/{table}" for table in tables} == set(STAGES[name]["deps"])
    sections = set(parameters(name, "config.yaml"))
    of_tables = {f"studies.${{study}}.tables.{table}" for table in (*tables, name)}
    assert "studies.${study}.tables" in sections or of_tables <= sections
    assert {"studies.${study}.models", "studies.${study}.transfer"} <= sections
    assert set(parameters(name, "src/keyfilters/versions.yaml")) == {walked.stage for walked in identity.walk([job])}


def test_the_low_resolution_networks_decide_which_sets_there_are():
    assert "studies.${study}.lowres" in parameters("sets", "config.yaml")
    assert "studies.${study}.lowres" in parameters("lowres_models", "config.yaml")


def test_the_stage_of_weights_during_training_owns_them():
    stage = STAGES[OF_EPOCHS]
    owned = {
        job.stage_folder
        for job in identity.walk([jobs.tables(STUDY)[OF_EPOCHS]])
        if job.stage_folder.endswith("_formation")
    }
    assert {out.rpartition("/")[2] for out in map(next, map(iter, stage["outs"])) if "artifacts" in out} == owned
    assert all(f"all_{folder}" in stage["cmd"] and f"prune {folder}" in stage["cmd"] for folder in owned)
