"""A study's low-resolution networks: which trainings they are, and what a wrong section says."""

import copy
from pathlib import Path

import pytest
import yaml

from keyfilters.errors import KeyfiltersError
from keyfilters.models.registry import ARCHITECTURES
from keyfilters.store import identity
from keyfilters.study import jobs
from keyfilters.study.study import check

PROJECT = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())
CONFIG = yaml.safe_load((Path(__file__).parents[1] / "helpers/example.yaml").read_text())


def changed(change):
    config = copy.deepcopy(CONFIG)
    change(config["studies"]["mini"])
    return check(config).current


def not_in_the_store(study):
    """Take them out of the zoo, and with them the figures of filters."""
    study["zoo"]["lowres"] = False
    figures = ("filterdb_", "depthwise_")
    study["tables"] = {name: table for name, table in study["tables"].items() if not name.startswith(figures)}


def keys(study):
    return {name: job.key for name, job in jobs.lowres(study).items()}


def test_the_mini_studys_trainings():
    trainings = jobs.lowres(check(CONFIG).current)
    assert sorted(trainings) == [
        "cifar10-resnet18-seed0",
        *(f"cifar10-resnet9-seed{seed}" for seed in range(3)),
        "cifar10-vgg11_bn-seed0",
        *(f"digits-{network}-seed0" for network in ("resnet18", "resnet9", "vgg11_bn")),
    ]
    assert {job.stage_folder for job in trainings.values()} == {"train_lowres"}
    kept = {name: job.settings["checkpoints"] for name, job in trainings.items() if "checkpoints" in job.settings}
    assert kept == {"cifar10-resnet9-seed0": [0, 2, 4, 6, 8, 10, 12]}


def test_the_paper_studys_trainings():
    study = check(PROJECT | {"study": "paper"}).current
    trainings = jobs.lowres(study)
    architectures = {job.settings["model"]["architecture"] for job in trainings.values()}
    assert architectures == {name for name in ARCHITECTURES if name.startswith("lowres_")}
    assert len(trainings) == 22 * 3 + 22 * 4  # three seeds of CIFAR-10
    for job in trainings.values():
        recipe, dataset = job.settings["training"], job.inputs["dataset"]
        assert dataset.settings["image_size"] == 32
        assert not {"drop_last", "best_on_test"} & recipe.keys()
        grey = "mnist" in dataset.name
        assert job.settings["model"].get("in_channels") == (1 if grey else None)
        assert recipe["augmentation"]["flip"] == (not grey)
        assert recipe["warmup_epochs"] == 0.3 * recipe["epochs"]
    kept = {name: job.settings["checkpoints"] for name, job in trainings.items() if "checkpoints" in job.settings}
    assert kept == {"cifar10-resnet9-seed0": list(range(0, 101, 10))}


def test_networks_of_grey_sets_have_one_channel():
    for name, job in jobs.lowres(check(CONFIG).current).items():
        assert job.settings["model"].get("in_channels") == (1 if name.startswith("digits") else None)


def test_they_are_artifacts_of_the_study_whether_or_not_a_table_shows_them():
    study = changed(lambda study: study["tables"].pop("lowres"))
    assert {job.folder for job in jobs.lowres(study).values()} <= jobs.keyed(study).keys()


def test_a_study_without_them_has_none():
    def change(study):
        not_in_the_store(study)
        study["lowres"] = {}
        study["tables"].pop("lowres")

    study = changed(change)
    assert jobs.lowres(study) == {}
    others = {folder for folder in jobs.keyed(changed(not_in_the_store)) if not folder.startswith("train_lowres/")}
    assert jobs.keyed(study).keys() == others


def test_another_epoch_of_formation_reaches_its_training_alone():
    after = keys(changed(lambda study: study["lowres"]["formation"].update(epochs=[0, 12])))
    before = keys(check(CONFIG).current)
    assert {name for name in before if before[name] != after[name]} == {"cifar10-resnet9-seed0"}


def test_a_networks_own_training_lies_over_the_sets():
    def change(study):
        study["lowres"]["training_of"] |= {"vgg11_bn": {"learning_rate": 0.1}}

    section = changed(change).lowres
    recipe = section.recipe("digits", "vgg11_bn")
    assert (recipe.learning_rate, recipe.augmentation.shift) == (0.1, 0)
    assert section.recipe("cifar10", "vgg11_bn").augmentation.shift == 4


def test_a_set_of_their_own_is_in_no_other_table():
    def change(study):
        not_in_the_store(study)
        study["lowres"]["sets"] = {"mnist": {"source": "torchvision"}}
        study["lowres"]["datasets"] = ["cifar10", "digits", "mnist"]

    study = changed(change)
    prepared = jobs.lowres(study)["mnist-resnet9-seed0"].inputs["dataset"]
    assert prepared.folder in jobs.keyed(study)
    assert prepared.settings["source"] == "torchvision"
    readers = {name for name, table in jobs.tables(study).items() if prepared in identity.walk([table])}
    assert {name for name in readers if not name.startswith("filterdb_")} == {"lowres"}


def test_their_images_have_their_own_size():
    study = changed(lambda study: study["lowres"].update(image_size=28))
    job = jobs.lowres(study)["digits-vgg11_bn-seed0"].inputs["dataset"]
    assert job.settings["image_size"] == 28
    assert jobs.prepare(study, "digits").settings["image_size"] == 32


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("datasets", ["cifar10", "digits", "pets"], "lowres.datasets: no set 'pets', expected one of: cifar10"),
        ("sets", {"digits": {}}, "lowres.sets.digits: the study has this set"),
        ("sets", {"mnists": {"source": "torchvision"}}, "mnists: torchvision does not have this set"),
        ("grey", ["faces"], "lowres: grey: no set 'faces', expected one of: cifar10, digits"),
        ("training", None, "lowres: training: networks need a recipe"),
        ("training_of", {"vgg12": {}}, "no set or network 'vgg12', expected one of: cifar10, digits, resnet9"),
        ("formation", {"network": "resnet9", "dataset": "cifar10", "epochs": [13]}, "13 is more than the 12"),
        ("formation", {"network": "alexnet", "dataset": "cifar10", "epochs": [0]}, "no network 'alexnet'"),
        ("reproducibility", {"networks": ["resnet9"], "dataset": "food", "seeds": [0]}, "no set 'food'"),
        ("networks", {"resnet9": {"architecture": "lowres_resnet10"}}, "unknown architecture 'lowres_resnet10'"),
        (
            "networks",
            {"resnet9": {"architecture": "lowres_resnet9", "in_channels": 1}},
            "`in_channels` follows from `grey`",
        ),
        ("network", {}, "unknown key 'network', expected one of: image_size, networks"),
    ],
)
def test_a_wrong_section_is_one_line(key, value, expected):
    with pytest.raises(KeyfiltersError) as caught:
        changed(lambda study: study["lowres"].update({key: value}))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_its_table_needs_networks():
    with pytest.raises(KeyfiltersError, match=r"tables\.lowres: the study has no low-resolution networks"):
        changed(lambda study: study.update(lowres={}))


@pytest.mark.fault(
    "configuration", "a recipe of low-resolution networks that contradicts itself", "one line names the setting"
)
@pytest.mark.parametrize(
    ("training", "expected"),
    [
        ({"min_learning_rate": 1}, "min_learning_rate is 1, more than 0.01"),
        ({"best_on_test": True, "ema": 0.99}, "best_on_test is of the weights themselves"),
        ({"optimiser": "adam"}, "Input should be 'adamw' or 'sgd'"),
        ({"momentum": 2}, "Input should be less than or equal to 1"),
        ({"augmentation": {"fill": "ones"}}, "Input should be 'edge' or 'zeros'"),
    ],
)
def test_a_wrong_recipe_is_one_line(training, expected):
    with pytest.raises(KeyfiltersError) as caught:
        changed(lambda study: study["lowres"]["training"].update(training))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_zoo_takes_them_and_leaves_out_the_weights_during_training():
    study = check(CONFIG).current
    taken = {name: job for name, job in jobs.extracts(study).items() if name.startswith("lowres-")}
    assert set(taken) == {f"lowres-{name}" for name in jobs.lowres(study)}
    for name, job in taken.items():
        assert job.inputs["network"] == jobs.lowres(study)[name.removeprefix("lowres-")]
        assert job.settings["image_size"] == study.lowres.image_size
        assert "epoch" not in job.settings
    without = changed(not_in_the_store)
    assert not any(name.startswith("lowres-") for name in jobs.extracts(without))


def test_the_formation_of_one_is_counted_in_the_studys_bases():
    study = check(CONFIG).current
    histograms = jobs.formation(study)
    assert list(histograms) == [0, 2, 4, 6, 8, 10, 12]
    for epoch, job in histograms.items():
        assert job.inputs["basis"] == jobs.basis(study)
        assert job.inputs["filters"].settings["epoch"] == epoch
        assert job.inputs["filters"].inputs["network"].name == "cifar10-resnet9-seed0"
        assert (job.stage_folder, job.inputs["filters"].stage_folder) == ("histograms_formation", "extract_formation")


def test_without_a_formation_no_weights_are_kept_during_training():
    def change(study):
        not_in_the_store(study)
        study["lowres"].pop("formation")

    assert jobs.formation(changed(change)) == {}
