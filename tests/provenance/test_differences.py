"""Differences are single: the one setting, input or version, never a whole description."""

import shutil

from keyfilters.provenance.differences import Difference, differences
from keyfilters.store import artifacts

CELL = "table2/set00--set01"


def changed(made, **settings):
    """What differs in the cell's training after `settings` have been changed."""
    old = made.cell(CELL).inputs["seed0"].description
    made.settings.update(settings)
    return differences(old, made.cell(CELL).inputs["seed0"], made.root)


def test_the_same_job_has_none(made):
    assert changed(made) == []


def test_a_nested_setting(made):
    training = made.settings["training"] | {"augmentation": {"flip": True}}
    assert [found.where for found in changed(made, training=training)] == [
        "settings.training.augmentation.flip",
        "source, settings.training.augmentation.flip",
    ]


def test_an_input_of_an_input(made):
    datasets = made.settings["datasets"] | {"set01": made.settings["datasets"]["set01"] | {"sha256": "f" * 64}}
    assert changed(made, datasets=datasets) == [Difference("source, dataset, settings.sha256", f"{1:064x}", "f" * 64)]


def test_what_was_set_aside_is_still_compared(made):
    old = made.cell(CELL).inputs["seed0"].inputs["source"].folder
    aside = artifacts.pruned(made.root) / old
    aside.parent.mkdir(parents=True)
    shutil.move(made.root / old, aside)
    assert [str(found) for found in changed(made, training_of={"set01": {"epochs": 3}})] == [
        "source, settings.training.epochs: 2 → 3"
    ]


def test_an_input_without_manifest_is_itself_the_difference(made):
    shutil.rmtree(made.root / "train")
    found = changed(made, training_of={"set01": {"epochs": 3}})
    assert [difference.where for difference in found] == ["source"]
    assert found[0].new == made.cell(CELL).inputs["seed0"].inputs["source"].folder
