"""A wrong `config.yaml` is one line that names the key and what was expected."""

import copy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from keyfilters.errors import KeyfiltersError
from keyfilters.study import jobs
from keyfilters.study.study import check
from keyfilters.study.tables import OUTPUTS

CONFIG = yaml.safe_load((Path(__file__).parents[1] / "helpers/example.yaml").read_text())


def changed(path: str, value):
    """The project's configuration with one key set."""
    config = copy.deepcopy(CONFIG)
    *parents, last = path.split(".")
    section = config
    for key in parents:
        section = section[key]
    section[last] = value
    return config


def test_the_projects_own_configuration_is_valid():
    project = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())
    assert all(study.seeds for study in check(project).studies.values())


@pytest.mark.fault(
    "configuration",
    "a setting of a study that is unknown, of the wrong type or out of range",
    "one line names the setting and what it may be",
)
@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("studi", "mini", "unknown key 'studi', expected one of: study, cache, pull, jobs_per_gpu, changed_code"),
        ("study", "maxi", "no study 'maxi', expected one of: mini"),
        ("studies.mini.training.learnin_rate", 1, "unknown key 'learnin_rate', expected one of: epochs"),
        (
            "studies.mini.training.epochs",
            "many",
            "studies.mini.training.epochs: Input should be a valid integer",
        ),
        ("studies.mini.training.epochs", 0, "studies.mini.training.epochs: Input should be greater than 0"),
        ("studies.mini.training.warmup_epochs", 99, "warmup_epochs is 99, more than 12 epochs"),
        (
            "studies.mini.model.architecture",
            "resnext",
            "unknown architecture 'resnext', expected one of: convnext",
        ),
        (
            "studies.mini.datasets.stl10",
            {},
            "datasets.stl10: no package carries this set, expected one of: cifar10",
        ),
        ("studies.mini.training_of.food", {"epoch": 3}, "unknown key 'epoch', expected one of: epochs"),
        ("studies.mini.training_of.stl10", {}, "training_of: no set 'stl10', expected one of: cifar10"),
        ("studies.mini.training_of.food", {"epochs": 1, "warmup_epochs": 3}, "warmup_epochs is 3, more than 1 epochs"),
        ("studies.mini.datasets.food.path", "food.tar", "`path` belongs to another source than `package`"),
        ("studies.mini.datasets.food.sha256", "0" * 64, "`sha256` belongs to another source than `package`"),
        ("studies.mini.datasets.food", {"validation": True}, "datasets.food: validation: needs `train_per"),
        ("studies.mini.datasets.food", {"source": "imagenet"}, "`source: imagenet` needs `path`"),
        ("studies.mini.datasets.food", {"source": "domainnet"}, "food: domainnet does not have this set, expected"),
        ("studies.mini.datasets.food.classes", "imagenet", "no list of classes 'imagenet', expected classes or one"),
        ("studies.mini.datasets.food.source", "archive", "`source: archive` needs `path` and `sha256`"),
        ("studies.mini.datasets.food.source", "torchvision", "food: torchvision does not have this set, expected one"),
        ("studies.mini.tables.table2.sources", ["imagenet"], "tables.table2.sources: no set 'imagenet'"),
        ("studies.mini.tables.table2.sources", ["food"], "tables.table2: every target must be a source too"),
        (
            "studies.mini.tables.table1.model",
            "huge",
            "tables.table1.model: no model 'huge', expected one of: model, tiny",
        ),
        ("studies.mini.tables.table7.seeds_of", {"pets": [1]}, "table7.seeds_of: no cell 'pets', expected one of"),
        ("studies.mini.tables.fig4.target", "pets", "tables.fig4.target: no set 'pets'"),
        ("studies.mini.tables.fig2c.n", [1, 19], "tables.fig2c.n: 19 is more than the 18 layers of convnext_tiny"),
        (
            "studies.mini.models.tiny.base_dim",
            8,
            "models.tiny: convnext_tiny has no 'base_dim', expected one of: depths",
        ),
        ("studies.mini.models.model", {"architecture": "resnet50"}, "models.model: the name is taken"),
        ("studies.mini.datasets.natural.set", "cifar", "datasets.natural: no package carries this set"),
        ("studies.mini.training_of.tiny", {"warmup_epochs": 9}, "warmup_epochs is 9, more than 6 epochs"),
        ("studies.mini.seeds", [], "studies.mini.seeds"),
        ("studies.mini.analysis.sets", {}, "studies.mini.analysis.sets: Dictionary should have at least 1 item"),
        ("studies.mini.analysis.sets.regular_3x3.kinds", ["transposed"], "sets.regular_3x3.kinds.0: Input should be"),
        ("studies.mini.analysis.sets.regular_3x3.kernel", 3, "sets.regular_3x3.kernel: Input should be a valid tuple"),
        ("studies.mini.analysis.floor", "zero", "analysis.floor: Input should be 'probability' or 'density'"),
        (
            "studies.mini.tables.filterdb_fig8.set",
            "3x3",
            "filterdb_fig8.set: no set of filters '3x3' in `analysis.sets`",
        ),
        (
            "studies.mini.tables.filterdb_fig5.groups",
            [{"grouping": "year", "group": "2022"}],
            "groups.0.grouping: Input",
        ),
        ("studies.mini.lowres.datasets", ["svhn", "cifar10", "digits"], "lowres.datasets: no set 'svhn'"),
        ("studies.mini.analysis.bins", 0, "analysis.bins: Input should be greater than 0"),
        ("studies.mini.analysis.basis_of", ["vgg99"], "analysis.basis_of: no network 'vgg99' in the study's zoo"),
    ],
)
def test_wrong_settings_are_one_line(path, value, expected):
    with pytest.raises(KeyfiltersError) as caught:
        check(changed(path, value))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("config.yaml: ")


def test_a_sets_own_training_lies_over_the_studys():
    study = check(changed("studies.mini.training_of.food", {"learning_rate": 0.5})).current
    assert study.recipe("food").learning_rate == 0.5
    assert study.recipe("food").epochs == study.training.epochs
    assert study.recipe("emoji").learning_rate == study.training.learning_rate


def test_a_models_own_training_lies_over_the_sets():
    study = check(changed("studies.mini.training_of.tiny", {"epochs": 3})).current
    assert study.recipe("food", "tiny").epochs == 3
    assert study.recipe("food", "tiny").augmentation == study.recipe("food").augmentation
    assert study.recipe("food").epochs != 3


def test_a_table_that_does_not_say_which_sets_has_every_whole_one():
    study = check(CONFIG).current
    assert "natural" in study.datasets
    assert set(jobs.tables(study)["table7"].inputs) == {f"table7/{name}" for name in study.whole_sets}
    assert "natural" not in study.whole_sets


def test_a_figure_of_filters_needs_networks():
    config = changed("studies.mini.zoo", {})
    config["studies"]["mini"]["tables"] = {"filterdb_fig8": {}}
    with pytest.raises(KeyfiltersError, match="filterdb_fig8: the study has no networks whose filters it could show"):
        check(config)


@pytest.mark.parametrize("first", ["master_key", "filterdb", "depthwise"])
def test_tables_are_listed_in_one_order_whichever_module_was_imported_first(first):
    code = f"import keyfilters.study.{first}; from keyfilters.study.tables import OUTPUTS; print(*OUTPUTS)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == list(OUTPUTS)
