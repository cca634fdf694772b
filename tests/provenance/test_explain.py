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


def explained(workspace, capsys, name=CELL):
    explain.show(explain.explain_cell(workspace.study, name, workspace.root, workspace.results))
    return capsys.readouterr().out


def reasons(printed):
    """The lines that name a difference."""
    return [line.strip("│├└─ ") for line in printed.splitlines() if "→" in line]


def test_a_fresh_cell_says_what_it_is_made_of(workspace, capsys):
    printed = explained(workspace, capsys)
    assert printed.startswith(f"{CELL}: fresh\n")
    assert "50.00 %, n = 1" in printed
    assert reasons(printed) == []
    training = workspace.cell(CELL).inputs["seed0"]
    for job in identity.walk([training]):
        assert job.folder in printed
    assert len(re.findall("sha256 [0-9a-f]{64}", printed)) >= 2 * 4
    version = identity.VERSIONS["transfer"]
    for part in (f"code: version {version} of the stage transfer", "learning_rate 0.01", "software: python", "s on "):
        assert part in printed


def test_one_setting_is_named_with_its_old_value_and_the_new(workspace, capsys):
    workspace.settings["training_of"] = {"set00": {"epochs": 3}}
    printed = explained(workspace, capsys)
    assert printed.startswith(f"{CELL}: stale\n")
    assert reasons(printed) == ["settings.training.epochs: 2 → 3"]


def test_a_setting_of_the_source_is_named_with_the_path_to_it(workspace, capsys):
    workspace.settings["training_of"] = {"set01": {"learning_rate": 0.02}}
    assert reasons(explained(workspace, capsys)) == ["source, settings.training.learning_rate: 0.01 → 0.02"]


def test_a_version_is_named(workspace, capsys, monkeypatch):
    version = identity.VERSIONS["train"]
    monkeypatch.setitem(identity.VERSIONS, "train", 77)
    assert reasons(explained(workspace, capsys)) == [f"source, version: {version} → 77"]


def test_the_version_of_the_cells_own_stage_is_named(workspace, capsys, monkeypatch):
    monkeypatch.setitem(identity.VERSIONS, "cell", 7)
    printed = explained(workspace, capsys)
    assert printed.startswith(f"{CELL}: stale\n")
    assert reasons(printed) == ["version of the stage cell: 1 → 7"]


def test_a_new_seed_is_not_made_yet_and_one_that_left_is_named(workspace, capsys):
    workspace.settings["seeds"] = [1]
    old = "transfer/set00--set01-depthwise-seed0-"
    printed = explained(workspace, capsys)
    assert re.search(r"seed1: transfer/set00--set01-depthwise-seed1-\w+\n.*not made yet", printed)
    assert re.search(f"made with {old}\\w+, which is no longer part of it", printed)


def test_a_changed_training_of_a_part_of_its_stage_is_still_the_cells_own(workspace, capsys):
    workspace.settings["lowres"] = {
        "networks": {"resnet9": {"architecture": "lowres_resnet9"}},
        "datasets": ["set00"],
        "training": {"epochs": 2, "batch_size": 16, "learning_rate": 0.01},
    }
    workspace.settings["tables"]["lowres"] = {}
    make(workspace.study, workspace.root, workspace.results)
    workspace.settings["lowres"]["training"]["epochs"] = 3
    printed = explained(workspace, capsys, "lowres/set00--resnet9")
    assert [reason.partition(": ")[2] for reason in reasons(printed)] == ["2 → 3"]
    assert "no longer part of it" not in printed


def test_a_training_that_is_done_still_says_why_its_cell_is_stale(workspace, capsys):
    from tests.helpers.stubs import make

    workspace.settings["training_of"] = {"set00": {"epochs": 3}}
    make(workspace.study, workspace.root, workspace.results.with_name("elsewhere"))
    assert reasons(explained(workspace, capsys)) == ["settings.training.epochs: 2 → 3"]


def test_a_cell_that_was_never_made(workspace, capsys):
    shutil.rmtree(workspace.root)
    shutil.rmtree(workspace.results)
    printed = explained(workspace, capsys)
    assert printed.startswith(f"{CELL}: not made yet\n")
    assert printed.count("not made yet") == 2


def test_an_input_that_is_gone_is_named(workspace, capsys):
    source = workspace.cell(CELL).inputs["seed0"].inputs["source"].folder
    shutil.rmtree(workspace.root / source)
    printed = explained(workspace, capsys)
    assert printed.startswith(f"{CELL}: fresh\n")
    assert re.search(rf"source: {source}\n.*not here; `dvc pull`", printed)


def test_a_predecessor_without_manifest_is_admitted(workspace, capsys):
    shutil.rmtree(workspace.root / "transfer")
    workspace.settings["training_of"] = {"set00": {"epochs": 3}}
    assert "whose manifest is gone, so what differs cannot be told" in explained(workspace, capsys)


def test_an_unknown_cell_is_one_line_with_names_that_are_near(workspace):
    with pytest.raises(KeyfiltersError) as raised:
        explain.explain_cell(workspace.study, "table2/set00--set0", workspace.root, workspace.results)
    assert str(raised.value).startswith("the study has no table2/set00--set0; it has 9 such names, among them table2/")
    assert "\n" not in str(raised.value)


def test_what_looks_like_markup_is_printed_as_it_is(workspace, capsys):
    record = runs.path(workspace.root, workspace.cell(CELL).inputs["seed0"].folder)
    hardware = '"hardware": "a [bold]processor[/] :fire:"'
    record.write_text(re.sub('"hardware": ".*"', hardware, record.read_text()))
    assert "a [bold]processor[/] :fire:" in explained(workspace, capsys)


def test_a_table_has_a_line_a_cell(workspace, capsys):
    workspace.settings["training_of"] = {"set02": {"epochs": 3}}
    explain.show(explain.explain_table(workspace.study, "table2", workspace.root, workspace.results))
    printed = capsys.readouterr().out
    states = dict(re.findall(r"│ (set\d+--set\d+) +│ (\w+)", printed))
    assert states == {
        f"{target}--{source}": "stale" if source == "set02" else "fresh"
        for target in ("set00", "set01")
        for source in ("set00", "set01", "set02")
    }


def test_a_table_of_artifacts_has_a_line_an_artifact(workspace, capsys):
    workspace.settings["tables"]["table6"] = {"datasets": ["set00", "set01"]}
    sets = [jobs.prepare(workspace.study, name).folder for name in ("set00", "set01")]
    shutil.rmtree(workspace.root / sets[1])
    explain.show(explain.explain_table(workspace.study, "table6", workspace.root, workspace.results))
    printed = capsys.readouterr().out
    assert re.findall(r"│ (prepare/\S+) +│ (fresh|not made yet)", printed) == [
        (sets[0], "fresh"),
        (sets[1], "not made yet"),
    ]
