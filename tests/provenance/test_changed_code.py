"""What was made with other code than the present is named, until that is declared harmless."""

import json

from keyfilters.planning.status import Files, status
from keyfilters.provenance import changed_code, explain
from keyfilters.store import code, runs

CELL = "table2/set01--set00"


def with_other_code(made, job) -> None:
    """As if the code of the job's stage had been edited since it was made."""
    path = runs.path(made.root, job.folder)
    run = json.loads(path.read_text())
    path.write_text(json.dumps(run | {"code": {job.stage: "0123456789ab"}}))


def test_what_was_made_with_the_present_code_is_not_named(made):
    assert changed_code.made_with_other_code(made.study, made.root, made.results) == {}
    assert changed_code.lines({}) == []


def test_status_and_explain_name_the_stage_and_what_it_made(made, capsys):
    training = made.cell(CELL).inputs["seed0"]
    with_other_code(made, training)
    with_other_code(made, training.inputs["source"])
    explain.show(status(made.study, Files("tiny", made.root, made.results, made.root / "logs")))
    printed = capsys.readouterr().out
    assert f"code of transfer changed since it made {training.folder}\n" in printed
    assert f"code of train changed since it made {training.inputs['source'].folder}\n" in printed
    assert "raise its number in versions.yaml" in printed

    explain.show(explain.explain_cell(made.study, CELL, made.root, made.results))
    printed = capsys.readouterr().out
    assert printed.startswith(f"{CELL}: fresh, but code of train, transfer changed since\n")
    assert printed.count("code of transfer changed since\n") == 1

    explain.show(explain.explain_table(made.study, "table2", made.root, made.results))
    states = [line for line in capsys.readouterr().out.splitlines() if "changed since" in line]
    assert len(states) == 2  # both targets have filters of this source


def test_a_harmless_change_is_not_named(made, monkeypatch):
    training = made.cell(CELL).inputs["seed0"]
    with_other_code(made, training)
    entry = {"version": 1, "digest": "0123456789ab", "harmless": {code.digest("transfer"): "renamed"}}
    monkeypatch.setattr(code, "locked", lambda: {"transfer": entry})
    assert changed_code.made_with_other_code(made.study, made.root, made.results) == {}


def test_nothing_is_said_of_what_was_made_elsewhere(made):
    training = made.cell(CELL).inputs["seed0"]
    with_other_code(made, training)
    runs.path(made.root, training.folder).unlink()
    assert changed_code.made_with_other_code(made.study, made.root, made.results) == {}
