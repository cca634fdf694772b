"""What was made with other code than the present is named, until that is declared harmless."""

import json
import shutil
from collections import Counter

from keyfilters.planning.status import Files, status
from keyfilters.provenance import changed_code, explain
from keyfilters.provenance.manifests import copy_manifests
from keyfilters.store import code, runs

CELL = "table2/set01--set00"


def with_other_code(workspace, job) -> None:
    """As if the code of the job's stage had been edited since it was made."""
    path = runs.path(workspace.root, job.folder)
    run = json.loads(path.read_text())
    path.write_text(json.dumps(run | {"code": {job.stage: "0123456789ab"}}))


def without_artifacts(workspace) -> None:
    """As in a clone, where the runs beside the results are all that is known of artifacts."""
    copy_manifests(workspace.root, workspace.keyed.values(), workspace.results)
    shutil.rmtree(workspace.root)


def test_what_was_made_with_the_present_code_is_not_named(workspace):
    assert changed_code.made_with_other_code(workspace.study, workspace.root, workspace.results) == {}
    assert changed_code.lines({}) == []


def test_status_and_explain_name_the_stage_and_what_it_made(workspace, capsys):
    training = workspace.cell(CELL).inputs["seed0"]
    with_other_code(workspace, training)
    with_other_code(workspace, training.inputs["source"])
    explain.show(status(workspace.study, Files("tiny", workspace.root, workspace.results, workspace.root / "logs")))
    printed = capsys.readouterr().out
    assert f"code of transfer changed since it made {training.folder}\n" in printed
    assert f"code of train changed since it made {training.inputs['source'].folder}\n" in printed
    assert "raise its number in versions.yaml" in printed

    explain.show(explain.explain_cell(workspace.study, CELL, workspace.root, workspace.results))
    printed = capsys.readouterr().out
    assert printed.startswith(f"{CELL}: fresh, but code of train, transfer changed since\n")
    assert printed.count("code of transfer changed since\n") == 1

    explain.show(explain.explain_table(workspace.study, "table2", workspace.root, workspace.results))
    states = [line for line in capsys.readouterr().out.splitlines() if "changed since" in line]
    assert len(states) == 2  # both targets have filters of this source


def test_a_harmless_change_is_not_named(workspace, monkeypatch):
    training = workspace.cell(CELL).inputs["seed0"]
    with_other_code(workspace, training)
    entry = {"version": 1, "digest": "0123456789ab", "harmless": {code.digest("transfer"): "renamed"}}
    monkeypatch.setattr(code, "locked", lambda: {"transfer": entry})
    assert changed_code.made_with_other_code(workspace.study, workspace.root, workspace.results) == {}


def test_nothing_is_said_of_what_was_made_elsewhere(workspace):
    training = workspace.cell(CELL).inputs["seed0"]
    with_other_code(workspace, training)
    runs.path(workspace.root, training.folder).unlink()
    assert changed_code.made_with_other_code(workspace.study, workspace.root, workspace.results) == {}


def test_status_names_what_the_runs_beside_the_results_know_where_no_artifact_is(workspace, capsys):
    training = workspace.cell(CELL).inputs["seed0"]
    with_other_code(workspace, training)
    without_artifacts(workspace)
    explain.show(status(workspace.study, Files("tiny", workspace.root, workspace.results, workspace.root / "logs")))
    printed = capsys.readouterr().out
    line = f"code of transfer changed since it made {training.folder} (on record in {workspace.results / 'runs'})\n"
    assert printed.count("changed since") == printed.count(line) == 1


def test_a_run_that_outlived_its_artifact_says_nothing_of_the_results(workspace):
    training = workspace.cell(CELL).inputs["seed0"]
    copy_manifests(workspace.root, workspace.keyed.values(), workspace.results)
    with_other_code(workspace, training)
    shutil.rmtree(workspace.root / training.folder)
    assert changed_code.made_with_other_code(workspace.study, workspace.root, workspace.results) == {}


def test_each_run_is_looked_for_once(workspace, monkeypatch):
    without_artifacts(workspace)
    reads, read = Counter(), runs.read_json
    monkeypatch.setattr(runs, "read_json", lambda path: reads.update([path]) or read(path))
    changed_code.made_with_other_code(workspace.study, workspace.root, workspace.results)
    assert {*reads} >= {runs.path(workspace.results, folder) for folder in workspace.keyed}
    assert max(reads.values()) == 1
