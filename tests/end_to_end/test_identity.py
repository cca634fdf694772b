"""What is fresh and what is not is decided by content: the keys, never the times."""

import json
import shutil

import pytest

CELL = "results/tiny/cells/table2/dots--stripes.json"


def learn_faster(study):
    study["training_of"] = {"stripes": {"learning_rate": 0.02}}


def accuracy(study, cell):
    return json.loads((study.folder / cell).read_text())["runs"]


def test_the_whole_study_is_there(built):
    assert sorted(path.name for path in (built.results / "tables").iterdir()) == [
        f"{table}.{suffix}"
        for table in ("table2", "table7")
        for suffix in ("csv", "json", "md", "paper.csv", "png", "svg")
    ]
    assert len(list((built.results / "cells/table2").iterdir())) == 6
    cell = json.loads((built.folder / CELL).read_text())
    assert (cell["n"], len(cell["runs"])) == (1, 1)
    assert built.plan() == {}


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_done_again_whatever_the_times(study, seed):
    study.forget_times(seed)
    assert study.plan() == {}
    assert study.plan("table2") == {}
    assert study.plan(CELL) == {}


def test_a_table_that_is_gone_is_rendered_from_its_cells(study):
    before = study.files()
    for file in (study.results / "tables").glob("table2.*"):
        file.unlink()
    study.forget_times(0)
    assert study.plan() == {"table2": 1}
    study.build()
    assert study.files() == before


def test_a_table_needs_its_cells_alone(study):
    shutil.rmtree(study.artifacts)
    (study.results / "tables/table2.csv").unlink()
    study.forget_times(0)
    assert study.plan("table2") == {"table2": 1}
    study.build("table2")


def test_cells_need_no_base_models(study):
    shutil.rmtree(study.artifacts / "train")
    shutil.rmtree(study.results / "tables")
    shutil.rmtree(study.results / "cells/table2")
    study.forget_times(0)
    assert study.plan("table2") == {"cell": 6, "table2": 1}


def test_a_base_model_that_one_cell_needs_again_leaves_the_other_cells_alone(study):
    shutil.rmtree(study.artifacts / "train")
    shutil.rmtree(next((study.artifacts / "transfer").glob("dots--stripes-*")))
    (study.folder / CELL).unlink()
    study.forget_times(0)
    assert study.plan("table2") == {"train": 1, "transfer": 1, "cell": 1, "table2": 1}


def test_a_changed_setting_plans_exactly_what_it_reaches(study):
    study.forget_times(0)
    study.configure(learn_faster)
    # stripes is one of two targets and one of three sources: its row of three and one more of its column.
    # It is trained under the seed of Table 7 and under the next one, whose filters are taken.
    assert study.plan() == {"train": 2, "transfer": 4, "cell": 5, "table7": 1, "table2": 1}
    assert study.plan("table7") == {"train": 1, "cell": 1, "table7": 1}


def test_a_file_asked_for_by_path_is_never_stale(study):
    study.configure(learn_faster)
    study.forget_times(1)
    assert study.plan(CELL) == {"train": 1, "transfer": 1, "cell": 1}
    # With the base model of Table 7, which the diagonal is compared with.
    assert study.plan("results/tiny/tables/table2.csv") == {"train": 2, "transfer": 4, "cell": 5, "table2": 1}


def test_a_setting_put_back_finds_its_artifacts(study):
    before = study.files()
    original = (study.folder / "config.yaml").read_text()
    study.configure(learn_faster)
    study.build(CELL, "table7")
    after = study.files()
    assert after["tables/table7.json"] != before["tables/table7.json"]
    assert after["cells/table2/dots--stripes.json"] != before["cells/table2/dots--stripes.json"]
    (study.folder / "config.yaml").write_text(original)
    study.forget_times(2)
    assert study.plan() == {"cell": 2, "table7": 1}
    study.build()
    assert study.files() == before


@pytest.mark.fault("Snakemake", "a table was edited by hand", "it is rendered again from its cells")
def test_a_table_that_was_edited_is_rendered_again(study):
    before = study.files()
    table = study.results / "tables/table2.csv"
    table.write_text(table.read_text().replace("dots", "STL10"))
    assert study.plan() == {"table2": 1}
    study.build()
    assert study.files() == before


def test_one_cell_builds_only_what_it_needs(study):
    shutil.rmtree(study.artifacts)
    shutil.rmtree(study.folder / "results")
    assert study.plan(CELL) == {"prepare": 2, "train": 1, "transfer": 1, "cell": 1}


@pytest.mark.fault(
    "Snakemake",
    "an artifact is damaged while others are to be made from it",
    "the run fails, and a line names it",
)
def test_a_damaged_artifact_is_named_and_not_used(study):
    damaged = next((study.artifacts / "train").glob("stripes-seed1-*")) / "model.safetensors"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    shutil.rmtree(study.artifacts / "transfer")
    shutil.rmtree(study.results / "cells/table2")
    done = study.snakemake(CELL)
    assert done.returncode != 0, done.stdout + done.stderr
    assert f"{damaged.relative_to(study.folder)}: missing or damaged" in done.stdout + done.stderr


@pytest.mark.fault(
    "planning",
    "a table, cell or network that the study does not have is asked for",
    "one line names what was asked for",
)
@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "results/tiny/cells/table2/dots--imagenet.json",
            "table2/dots--imagenet is no cell of the study tiny",
        ),
        ("artifacts/tiny/train/dots-seed0-000000000000/manifest.json", "is no artifact of the study tiny"),
    ],
)
def test_an_unknown_target_is_one_line(study, target, message):
    done = study.snakemake("--dry-run", target)
    assert done.returncode != 0
    assert message in done.stdout + done.stderr


@pytest.mark.fault("planning", "a wrong setting in a study that Snakemake is to run", "one line; no job begins")
def test_a_wrong_setting_stops_before_any_job(study):
    study.configure(lambda settings: settings["training"].update(learnin_rate=1))
    done = study.snakemake()
    assert done.returncode != 0
    assert "studies.tiny.training: unknown key 'learnin_rate', expected one of: epochs" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_cell_that_its_table_no_longer_has_goes_when_something_is_made(study):
    gone = [study.results / f"cells/table2/{target}--stripes.json" for target in ("dots", "stripes")]
    kept = len(list((study.results / "cells/table2").iterdir())) - len(gone)

    def without_stripes(settings):
        settings["tables"]["table2"] = {"targets": ["dots"], "sources": ["dots", "waves"]}

    assert all(cell.exists() for cell in gone)
    study.configure(without_stripes)
    study.plan("table2")
    for question in ("--list-rules", "--summary", "--dag", "--lint", "--unlock"):
        study.snakemake(question)
        assert all(cell.exists() for cell in gone), question
    study.build("table2")
    assert not any(cell.exists() for cell in gone)
    assert len(list((study.results / "cells/table2").iterdir())) < kept
