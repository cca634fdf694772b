"""What a study no longer names goes aside, not away, and comes back when it is named again."""

from keyfilters.provenance.prune import prune, restore
from keyfilters.store import artifacts


def present(made, stage):
    return {f"{stage}/{path.name}" for path in (made.root / stage).iterdir()}


def test_what_is_named_stays(made):
    before = present(made, "train")
    assert prune(made.root, "train", made.keyed.values()) == []
    assert present(made, "train") == before


def test_what_is_no_longer_named_goes_aside_whole_and_alone(made):
    gone = sorted(job.folder for job in made.keyed.values() if job.folder.startswith("train/set01-"))
    manifest = (made.root / gone[0] / "manifest.json").read_text()
    before = present(made, "train")
    made.settings["training_of"] = {"set01": {"epochs": 3}}
    assert prune(made.root, "train", made.keyed.values()) == gone
    assert present(made, "train") == before - {*gone}
    assert (artifacts.pruned(made.root) / gone[0] / "manifest.json").read_text() == manifest


def test_other_stages_are_left_alone(made):
    made.settings["training_of"] = {"set01": {"epochs": 3}}
    before = present(made, "transfer")
    prune(made.root, "train", made.keyed.values())
    assert present(made, "transfer") == before


def test_what_a_killed_job_left_is_removed(made):
    (made.root / "train/.set00.abc.partial").mkdir()
    prune(made.root, "train", made.keyed.values())
    assert not list((made.root / "train").glob(".*"))


def test_what_is_named_again_comes_back(made):
    before = present(made, "train")
    prune(made.root, "train", [])
    assert present(made, "train") == set()
    restore(made.root, made.keyed.values())
    assert present(made, "train") == before


def test_what_was_made_anew_is_not_replaced_by_what_lies_aside(made):
    folder = made.cell("table7/set01").inputs["seed0"].folder
    prune(made.root, "train", [])
    (made.root / folder).mkdir()
    (made.root / folder / "manifest.json").write_text("new")
    restore(made.root, made.keyed.values())
    assert (made.root / folder / "manifest.json").read_text() == "new"


def test_a_checkpoint_stays_while_its_training_is_to_be_made(made):
    folder = made.cell("table7/set01").inputs["seed0"].folder
    file = artifacts.checkpoint(made.root / folder)
    file.touch()
    prune(made.root, "train", made.keyed.values())
    assert not file.exists()  # the training is complete
    (made.root / folder / "manifest.json").unlink()
    file.touch()
    prune(made.root, "train", made.keyed.values())
    assert file.exists()
    named = made.keyed.values()
    prune(made.root, "train", [])
    assert not file.exists()
    restore(made.root, named)
    assert file.exists()
