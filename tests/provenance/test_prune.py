"""What a study no longer names goes aside, not away, and comes back when it is named again."""

from keyfilters.provenance.prune import prune, restore
from keyfilters.store import artifacts


def present(workspace, stage):
    return {f"{stage}/{path.name}" for path in (workspace.root / stage).iterdir()}


def test_what_is_named_stays(workspace):
    before = present(workspace, "train")
    assert prune(workspace.root, "train", workspace.keyed.values()) == []
    assert present(workspace, "train") == before


def test_what_is_no_longer_named_goes_aside_whole_and_alone(workspace):
    gone = sorted(job.folder for job in workspace.keyed.values() if job.folder.startswith("train/set01-"))
    manifest = (workspace.root / gone[0] / "manifest.json").read_text()
    before = present(workspace, "train")
    workspace.settings["training_of"] = {"set01": {"epochs": 3}}
    assert prune(workspace.root, "train", workspace.keyed.values()) == gone
    assert present(workspace, "train") == before - {*gone}
    assert (artifacts.pruned(workspace.root) / gone[0] / "manifest.json").read_text() == manifest


def test_other_stages_are_left_alone(workspace):
    workspace.settings["training_of"] = {"set01": {"epochs": 3}}
    before = present(workspace, "transfer")
    prune(workspace.root, "train", workspace.keyed.values())
    assert present(workspace, "transfer") == before


def test_what_a_killed_job_left_is_removed(workspace):
    (workspace.root / "train/.set00.abc.partial").mkdir()
    prune(workspace.root, "train", workspace.keyed.values())
    assert not list((workspace.root / "train").glob(".*"))


def test_what_is_named_again_comes_back(workspace):
    before = present(workspace, "train")
    prune(workspace.root, "train", [])
    assert present(workspace, "train") == set()
    restore(workspace.root, workspace.keyed.values())
    assert present(workspace, "train") == before


def test_what_was_made_anew_is_not_replaced_by_what_lies_aside(workspace):
    folder = workspace.cell("table7/set01").inputs["seed0"].folder
    prune(workspace.root, "train", [])
    (workspace.root / folder).mkdir()
    (workspace.root / folder / "manifest.json").write_text("new")
    restore(workspace.root, workspace.keyed.values())
    assert (workspace.root / folder / "manifest.json").read_text() == "new"


def test_a_checkpoint_stays_while_its_training_is_to_be_made(workspace):
    folder = workspace.cell("table7/set01").inputs["seed0"].folder
    file = artifacts.checkpoint(workspace.root / folder)
    file.touch()
    prune(workspace.root, "train", workspace.keyed.values())
    assert not file.exists()  # the training is complete
    (workspace.root / folder / "manifest.json").unlink()
    file.touch()
    prune(workspace.root, "train", workspace.keyed.values())
    assert file.exists()
    named = workspace.keyed.values()
    prune(workspace.root, "train", [])
    assert not file.exists()
    restore(workspace.root, named)
    assert file.exists()
