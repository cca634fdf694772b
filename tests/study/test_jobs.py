"""Keys: a changed setting reaches exactly the jobs that depend on it."""

import copy
from pathlib import Path

import pytest
import yaml

from keyfilters.config.training import Augmentation, Training
from keyfilters.errors import KeyfiltersError
from keyfilters.store import identity
from keyfilters.study import jobs
from keyfilters.study.study import check

PROJECT = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())
CONFIG = yaml.safe_load((Path(__file__).parents[1] / "helpers/example.yaml").read_text())


def cell_keys(config, tables=("table2", "table7")):
    """Keys of the cells of these tables, by name."""
    cells = jobs.cells(check(config).current)
    return {name: job.key for name, job in cells.items() if name.partition("/")[0] in tables}


def changed_cells(change):
    """Names of the cells whose key differs after `change(study)`."""
    config = copy.deepcopy(CONFIG)
    change(config["studies"]["mini"])
    before, after = cell_keys(CONFIG), cell_keys(config)
    return {name for name in before | after if before.get(name) != after.get(name)}


@pytest.mark.parametrize(
    ("table", "trained", "transferred"),
    [
        ("table1", 2, 3),
        ("table2", 13, 42),  # sources, and base models of the targets for the diagonal
        ("table3", 6, 6),
        ("table4", 2, 2),
        ("table5", 9, 20),
        ("table6", 0, 0),
        ("table7", 7, 0),
        ("lowres", 8, 0),
        ("fig1", 2, 0),
        ("fig2a", 3, 8),
        ("fig2b", 2, 2),
        ("fig2c", 2, 2),
        ("fig2", 7, 12),
        ("fig3", 1, 1),
        ("fig4", 3, 6),
    ],
)
def test_the_trainings_under_each_table(table, trained, transferred):
    study = check(CONFIG).current
    stages = [job.stage for job in identity.walk([jobs.tables(study)[table]])]
    assert len(study.seeds) == 1
    assert (stages.count("train"), stages.count("transfer")) == (trained, transferred)


def test_one_training_is_made_once():
    """Whatever tables it is in: nothing of them is in its key."""
    tables = jobs.tables(check(CONFIG).current)

    def training(table, cell):
        return tables[table].inputs[f"{table}/{cell}"].inputs["seed0"].folder

    assert training("fig2c", "A18B") == training("table1", "transferred")
    assert training("fig4", "emoji-n12") == training("table2", "emoji--emoji") == training("table4", "selffer")
    assert training("fig4", "quickdraw-n12") == training("table2", "emoji--quickdraw")
    assert training("table3", "model") == training("table2", "emoji--cifar10")  # stacked, its filters lie as in place


def test_all_that_is_trained_on_a_set_under_one_seed_starts_from_the_same_weights():
    """Those of the seed; filters come from the next seed's base model, so a selffer does not start where they did."""
    for job in jobs.keyed(check(CONFIG).current).values():
        if job.stage == "transfer" and "source" in job.inputs:
            assert job.inputs["source"].settings["seed"] == job.settings["seed"] + 1


def test_a_table_has_seeds_of_its_own():
    """Its trainings under the study's seeds stay the same; other tables have the study's alone."""
    config = copy.deepcopy(CONFIG)
    config["studies"]["mini"]["tables"]["table1"]["seeds"] = [0, 1, 2]
    before, after = jobs.tables(check(CONFIG).current), jobs.tables(check(config).current)
    trainings = {name: job.inputs for name, job in after["table1"].inputs.items()}
    assert {tuple(inputs) for inputs in trainings.values()} == {("seed0", "seed1", "seed2")}
    for name, job in before["table1"].inputs.items():
        assert trainings[name]["seed0"].folder == job.inputs["seed0"].folder
    assert after["fig2c"].key == before["fig2c"].key


def test_a_cell_has_seeds_of_its_own():
    """In every table that reads it; other cells of its table stay the same."""
    config = copy.deepcopy(CONFIG)
    config["studies"]["mini"]["tables"]["table7"]["seeds_of"] = {"emoji": [0, 1, 2]}
    before, after = jobs.tables(check(CONFIG).current), jobs.tables(check(config).current)
    for table in ("table7", "table2", "claims"):
        changed = {name for name, job in after[table].inputs.items() if job.key != before[table].inputs[name].key}
        assert changed == {"table7/emoji"}
    assert tuple(after["table7"].inputs["table7/emoji"].inputs) == ("seed0", "seed1", "seed2")


def test_a_control_without_a_source_has_none():
    config = copy.deepcopy(CONFIG)
    config["studies"]["mini"]["tables"]["table2"]["controls"] = ["random", "permuted"]
    cells = jobs.tables(check(config).current)["table2"].inputs
    assert set(cells["table2/emoji--random"].inputs["seed0"].inputs) == {"dataset"}
    permuted = cells["table2/emoji--permuted"].inputs["seed0"]
    assert permuted.inputs["source"] == cells["table2/emoji--emoji"].inputs["seed0"].inputs["source"]
    assert permuted.settings["transfer"]["control"] == "permuted"


def test_patterns_are_found_in_base_models_of_sets_that_share_no_images_with_the_source():
    config = copy.deepcopy(CONFIG)
    config["studies"]["mini"]["datasets"]["digits_small"] = {"set": "digits", "train_per_class": 20}
    config["studies"]["mini"]["tables"]["table2"] = {
        "targets": ["digits_small"],
        "sources": ["digits_small"],
        "controls": ["universal"],
    }
    study = check(config).current
    (control,) = (
        job.inputs["seed0"] for name, job in jobs.tables(study)["table2"].inputs.items() if name.endswith("universal")
    )
    source = control.inputs["source"]
    others = {role: job for role, job in control.inputs.items() if role not in ("dataset", "source")}
    sets = {f"pattern_source_{name}" for name in study.whole_sets} - {"pattern_source_digits"}
    assert others.keys() == sets - {"pattern_source_digits_small"}
    assert {job.settings["seed"] for job in others.values()} == {source.settings["seed"]}


def test_patterns_need_a_set_of_other_images():
    config = copy.deepcopy(CONFIG)
    mini = config["studies"]["mini"]
    mini["datasets"] = {"digits": {}, "half": {"set": "digits", "classes": ["0", "1"]}}
    mini["tables"] = {"table1": {"source": "digits", "target": "half", "controls": ["universal"]}}
    mini |= {section: {} for section in ("training_of", "zoo", "lowres", "analysis")}
    with pytest.raises(KeyfiltersError, match="all sets of the study are of digits"):
        jobs.tables(check(config).current)


def transfers_of(figure, transfer, **settings):
    """How each transfer under a figure is done, given the study's `transfer` and settings of the figure."""
    config = copy.deepcopy(CONFIG)
    mini = config["studies"]["mini"]
    mini["transfer"] = transfer
    mini["tables"] = {figure: mini["tables"][figure] | settings}
    jobs_below = identity.walk([jobs.tables(check(config).current)[figure]])
    return [job.settings["transfer"] for job in jobs_below if job.stage == "transfer"]


@pytest.mark.parametrize("transfer", [{}, {"bias": "trained"}, {"bias": "copied"}])
def test_figure_2a_takes_biases_with_the_filters_whatever_the_study_does(transfer):
    """As Yosinski et al. 2014 take whole layers."""
    transfers = transfers_of("fig2a", transfer, controls=["random", "permuted"])
    assert {choices.get("frozen", True) for choices in transfers} == {True, False}
    assert {choices.get("control") for choices in transfers} == {None, "random", "permuted"}
    assert {choices["bias"] for choices in transfers} == {"copied"}


@pytest.mark.parametrize(
    ("transfer", "settings", "expected"),
    [
        ({}, {}, None),
        ({}, {"batch_norm": "trained"}, None),
        ({}, {"batch_norm": "copied"}, "copied"),
        ({"batch_norm": "copied"}, {}, "copied"),
        ({"batch_norm": "copied"}, {"batch_norm": "trained"}, None),
    ],
)
def test_figure_2b_has_a_batch_norm_of_its_own_or_the_studys(transfer, settings, expected):
    transfers = transfers_of("fig2b", transfer, **settings)
    assert transfers
    assert {choices.get("batch_norm") for choices in transfers} == {expected}


@pytest.mark.parametrize(
    ("figure", "transfer", "settings", "named"),
    [
        ("fig2c", {"batch_norm": "copied"}, {}, "the layers of convnext_tiny have no BatchNorm"),
        ("fig2b", {}, {"batch_norm": "copied", "model": "yosinski8", "n": [3]}, "yosinski8 have no BatchNorm"),
        ("fig2b", {}, {"batch_norm": "copied", "controls": ["random"]}, "the control random have no statistics"),
        ("fig2b", {}, {"batch_norm": "copied", "controls": ["permuted"]}, "the control permuted have no statistics"),
    ],
)
def test_a_batch_norm_that_cannot_be_copied_is_refused_before_anything_is_trained(figure, transfer, settings, named):
    with pytest.raises(KeyfiltersError, match=named):
        transfers_of(figure, transfer, **settings)


def test_names_tell_the_trainings_of_a_table_apart():
    for job in jobs.tables(check(CONFIG).current).values():
        trainings = [training for training in identity.walk([job]) if training.stage in ("train", "transfer")]
        assert len({(training.stage_folder, training.name) for training in trainings}) == len(trainings)


def test_settings_that_are_as_by_default_are_no_part_of_a_key():
    study = check(CONFIG).current
    defaults = {"bias": "trained", "batch_norm": "trained", "kernel_size": "refuse", "projections": "transferred"}
    config = copy.deepcopy(CONFIG)
    config["studies"]["mini"]["transfer"] = defaults
    assert cell_keys(config) == cell_keys(CONFIG)
    job = jobs.transfer(study, "faces", "food", 0)
    assert job.settings["transfer"] == {"layers": "depthwise", "bias": "trained"}
    job = jobs.transfer(study, "faces", "food", 0, "resnet50", "tiny", layers="convolutions", first=3)
    assert job.folder.startswith("transfer_other/faces-resnet50--food-tiny-convolutions-first3-seed0-")
    assert job.settings["transfer"] == {"layers": "convolutions", "bias": "trained", "first": 3}


def test_parts_of_a_set_are_other_sets_of_the_same_file():
    study = check(CONFIG).current
    whole, part = (jobs.prepare(study, name).settings for name in ("cifar10", "natural"))
    assert whole["sha256"] == part["sha256"]
    assert "classes" not in whole
    assert part["set"] == "cifar10"
    assert part["classes"] == ["bird", "cat", "deer", "dog", "frog", "horse"]


def test_the_same_configuration_gives_the_same_keys():
    assert cell_keys(CONFIG) == cell_keys(copy.deepcopy(CONFIG))


def test_a_sets_learning_rate_reaches_its_cells_and_those_that_take_its_filters():
    def change(study):
        study["training_of"]["signs"]["learning_rate"] = 0.001

    expected = {
        name
        for name in cell_keys(CONFIG)
        if name == "table7/signs" or name.startswith("table2/signs--") or name.endswith("--signs")
    }
    assert changed_cells(change) == expected
    assert len(expected) == 1 + 7 + 5


def test_a_name_of_a_set_that_is_only_a_source_reaches_its_column_alone():
    def change(study):
        study["datasets"]["cifar10"]["train_per_class"] = 10

    assert changed_cells(change) == {
        name for name in cell_keys(CONFIG) if name == "table7/cifar10" or name.endswith("--cifar10")
    }


@pytest.mark.parametrize(("setting", "default"), [("test_share", 0.2), ("validation", False)])
def test_a_default_written_out_changes_nothing(setting, default):
    def change(study):
        study["datasets"]["signs"][setting] = default

    assert changed_cells(change) == set()


def test_a_stages_version_reaches_everything_above_it(monkeypatch):
    before = cell_keys(CONFIG)
    monkeypatch.setitem(identity.VERSIONS, "transfer", identity.VERSIONS["transfer"] + 1)
    after = cell_keys(CONFIG)
    assert {name for name in before if before[name] != after[name]} == {
        name for name in before if name.startswith("table2/")
    }


def test_where_an_archive_lies_is_no_part_of_its_identity():
    def keys(path):
        config = copy.deepcopy(CONFIG)
        config["studies"]["mini"]["datasets"]["mine"] = {
            "source": "archive",
            "path": path,
            "sha256": "0" * 64,
        }
        return cell_keys(config)

    assert keys("a.tar") == keys("elsewhere/b.tar")


def test_a_later_setting_of_the_recipe_is_in_a_key_only_where_it_is_used():
    study = check(CONFIG).current
    recipe = jobs.train(study, "digits", seed=0).settings["training"]
    assert recipe.keys() == Training.ORIGINAL_FIELDS
    assert recipe["augmentation"].keys() == Augmentation.ORIGINAL_FIELDS

    def change(study):
        study["training_of"] |= {"digits": study["training_of"]["digits"] | {"precision": "bf16"}}

    assert changed_cells(change) == {name for name in cell_keys(CONFIG) if "digits" in name}


@pytest.mark.parametrize(
    ("source", "pin"),
    [
        (
            {"source": "torchvision", "set": "stl10"},
            {"md5": {"stl10_binary.tar.gz": "91f7769df0f17e558f3565bffb0c7dfb"}},
        ),
        ({"source": "imagenet", "sha256": "0" * 64}, {"sha256": "0" * 64}),
        ({"source": "imagenet"}, {"sha256": None}),
    ],
)
def test_a_set_is_its_pin_and_not_the_folder_where_it_lies(source, pin):
    def settings(path):
        config = copy.deepcopy(CONFIG)
        config["studies"]["mini"]["datasets"]["mine"] = source | {"path": path}
        return dict(jobs.prepare(check(config).current, "mine").settings)

    assert settings("here") == settings("there")
    assert "path" not in settings("here")
    assert pin.items() <= settings("here").items()


def test_a_list_of_classes_is_the_classes_themselves():
    def key(classes):
        config = copy.deepcopy(PROJECT)
        config["studies"]["paper"]["datasets"]["natural"]["classes"] = classes
        return jobs.prepare(check(config).studies["paper"], "natural").key

    study = check(PROJECT).studies["paper"]
    natural, manmade = (study.datasets[half].classes for half in ("natural", "manmade"))
    assert (len(natural), len(manmade), len({*natural, *manmade})) == (449, 551, 1000)
    assert key(list(natural)) == key("imagenet_natural") != key("imagenet_manmade")
