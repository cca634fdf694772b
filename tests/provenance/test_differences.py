"""Differences are single: the one setting, input or version, never a whole description."""

import shutil

from keyfilters.provenance.differences import Difference, differences
from keyfilters.store import artifacts

CELL = "table2/set00--set01"


def changed(workspace, **settings):
    """What differs in the cell's training after `settings` have been changed."""
    old = workspace.cell(CELL).inputs["seed0"].description
    workspace.settings.update(settings)
    return differences(old, workspace.cell(CELL).inputs["seed0"], workspace.root)


def test_the_same_job_has_none(workspace):
    assert changed(workspace) == []


def test_a_nested_setting(workspace):
    training = workspace.settings["training"] | {"augmentation": {"flip": True}}
    assert [difference.where for difference in changed(workspace, training=training)] == [
        "settings.training.augmentation.flip",
        "source, settings.training.augmentation.flip",
    ]


def test_an_input_of_an_input(workspace):
    datasets = workspace.settings["datasets"] | {
        "set01": workspace.settings["datasets"]["set01"] | {"sha256": "f" * 64}
    }
    assert changed(workspace, datasets=datasets) == [
        Difference("source, dataset, settings.sha256", f"{1:064x}", "f" * 64)
    ]


def test_what_was_set_aside_is_still_compared(workspace):
    old = workspace.cell(CELL).inputs["seed0"].inputs["source"].folder
    pruned = artifacts.pruned(workspace.root) / old
    pruned.parent.mkdir(parents=True)
    shutil.move(workspace.root / old, pruned)
    assert [str(difference) for difference in changed(workspace, training_of={"set01": {"epochs": 3}})] == [
        "source, settings.training.epochs: 2 → 3"
    ]


def test_an_input_without_manifest_is_itself_the_difference(workspace):
    shutil.rmtree(workspace.root / "train")
    changes = changed(workspace, training_of={"set01": {"epochs": 3}})
    assert [difference.where for difference in changes] == ["source"]
    assert changes[0].new == workspace.cell(CELL).inputs["seed0"].inputs["source"].folder
