"""What `keyfilters explain` says of a cell: what it is made of, and which single thing made it stale."""

import re
import shutil

import pytest

from keyfilters.errors import KeyfiltersError
from keyfilters.provenance import explain
from keyfilters.store import identity, runs
from keyfilters.study import jobs
from tests.helpers.stubs import make

CELL = "table2/set00--set01"


def explained(made, capsys, name=CELL):
    explain.show(explain.explain_cell(made.study, name, made.root, made.results))
    return capsys.readouterr().out


def reasons(printed):
    """The lines that name a difference."""
    return [line.strip("│├└─ ") for line in printed.splitlines() if "→" in line]


def test_a_fresh_cell_says_what_it_is_made_of(made, capsys):
    printed = explained(made, capsys)
    assert printed.startswith(f"{CELL}: fresh\n")
    assert "50.00 %, n = 1" in printed
    assert reasons(printed) == []
    training = made.cell(CELL).inputs["seed0"]
    for job in identity.walk([training]):
        assert job.folder in printed
    assert len(re.findall("sha256 [0-9a-f]{64}", printed)) >= 2 * 4
    version = identity.VERSIONS["transfer"]
    for part in (f"code: version {version} of the stage transfer", "learning_rate 0.01", "software: python", "s on "):
        assert part in printed


def test_one_setting_is_named_with_its_old_value_and_the_new(made, capsys):
    made.settings["training_of"] = {"set00": {"epochs": 3}}
    printed = explained(made, capsys)
    assert printed.startswith(f"{CELL}: stale\n")
    assert reasons(printed) == ["settings.training.epochs: 2 → 3"]


def test_a_setting_of_the_source_is_named_with_the_path_to_it(made, capsys):
    made.settings["training_of"] = {"set01": {"learning_rate": 0.02}}
    assert reasons(explained(made, capsys)) == ["source, settings.training.learning_rate: 0.01 → 0.02"]


def test_a_version_is_named(made, capsys, monkeypatch):
    version = identity.VERSIONS["train"]
    monkeypatch.setitem(identity.VERSIONS, "train", 77)
    assert reasons(explained(made, capsys)) == [f"source, version: {version} → 77"]


def test_the_version_of_the_cells_own_stage_is_named(made, capsys, monkeypatch):
    monkeypatch.setitem(identity.VERSIONS, "cell", 7)
    printed = explained(made, capsys)
    assert printed.startswith(f"{CELL}: stale\n")
    assert reasons(printed) == ["version of the stage cell: 1 → 7"]


def test_a_new_seed_is_not_made_yet_and_one_that_left_is_named(made, capsys):
    made.settings["seeds"] = [1]
    old = "transfer/set00--set01-depthwise-seed0-"
    printed = explained(made, capsys)
    assert re.search(r"seed1: transfer/set00--set01-depthwise-seed1-\w+\n.*not made yet", printed)
    assert re.search(f"made with {old}\\w+, which is no longer part of it", printed)


def test_a_changed_training_of_a_part_of_its_stage_is_still_the_cells_own(made, capsys):
    made.settings["lowres"] = {
        "networks": {"resnet9": {"architecture": "lowres_resnet9"}},
        "datasets": ["set00"],
        "training": {"epochs": 2, "batch_size": 16, "learning_rate": 0.01},
    }
    made.settings["tables"]["lowres"] = {}
    make(made.study, made.root, made.results)
    made.settings["lowres"]["training"]["epochs"] = 3
    printed = explained(made, capsys, "lowres/set00--resnet9")
    assert [reason.partition(": ")[2] for reason in reasons(printed)] == ["2 → 3"]
    assert "no longer part of it" not in printed


def test_a_training_that_is_done_still_says_why_its_cell_is_stale(made, capsys):
    from tests.helpers.stubs import make

    made.settings["training_of"] = {"set00": {"epochs": 3}}
    make(made.study, made.root, made.results.with_name("elsewhere"))
    assert reasons(explained(made, capsys)) == ["settings.training.epochs: 2 → 3"]


def test_a_cell_that_was_never_made(made, capsys):
    shutil.rmtree(made.root)
    shutil.rmtree(made.results)
    printed = explained(made, capsys)
    assert printed.startswith(f"{CELL}: not made yet\n")
    assert printed.count("not made yet") == 2


def test_an_input_that_is_gone_is_named(made, capsys):
    source = made.cell(CELL).inputs["seed0"].inputs["source"].folder
    shutil.rmtree(made.root / source)
    printed = explained(made, capsys)
    assert printed.startswith(f"{CELL}: fresh\n")
    assert re.search(rf"source: {source}\n.*not here; `dvc pull`", printed)


def test_a_predecessor_without_manifest_is_admitted(made, capsys):
    shutil.rmtree(made.root / "transfer")
    made.settings["training_of"] = {"set00": {"epochs": 3}}
    assert "whose manifest is gone, so what differs cannot be told" in explained(made, capsys)


def test_an_unknown_cell_is_one_line_with_names_that_are_near(made):
    with pytest.raises(KeyfiltersError) as raised:
        explain.explain_cell(made.study, "table2/set00--set0", made.root, made.results)
    assert str(raised.value).startswith("the study has no table2/set00--set0; it has 9 such names, among them table2/")
    assert "\n" not in str(raised.value)


def test_what_looks_like_markup_is_printed_as_it_is(made, capsys):
    record = runs.path(made.root, made.cell(CELL).inputs["seed0"].folder)
    hardware = '"hardware": "a [bold]processor[/] :fire:"'
    record.write_text(re.sub('"hardware": ".*"', hardware, record.read_text()))
    assert "a [bold]processor[/] :fire:" in explained(made, capsys)


def test_a_table_has_a_line_a_cell(made, capsys):
    made.settings["training_of"] = {"set02": {"epochs": 3}}
    explain.show(explain.explain_table(made.study, "table2", made.root, made.results))
    printed = capsys.readouterr().out
    states = dict(re.findall(r"│ (set\d+--set\d+) +│ (\w+)", printed))
    assert states == {
        f"{target}--{source}": "stale" if source == "set02" else "fresh"
        for target in ("set00", "set01")
        for source in ("set00", "set01", "set02")
    }


def test_a_table_of_artifacts_has_a_line_an_artifact(made, capsys):
    made.settings["tables"]["table6"] = {"datasets": ["set00", "set01"]}
    sets = [jobs.prepare(made.study, name).folder for name in ("set00", "set01")]
    shutil.rmtree(made.root / sets[1])
    explain.show(explain.explain_table(made.study, "table6", made.root, made.results))
    printed = capsys.readouterr().out
    assert re.findall(r"│ (prepare/\S+) +│ (fresh|not made yet)", printed) == [
        (sets[0], "fresh"),
        (sets[1], "not made yet"),
    ]
