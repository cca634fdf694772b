"""The rule by which a study chooses networks."""

from pathlib import Path

import pytest
import yaml

from keyfilters.config.zoo import Zoo
from keyfilters.errors import KeyfiltersError
from keyfilters.store import identity
from keyfilters.study import jobs
from keyfilters.study.study import check
from keyfilters.zoo.choice import diverse, eligible
from keyfilters.zoo.table import models

CONFIG = Path(__file__).parents[2] / "config.yaml"
TABLE = list(models().values())


def config(zoo=None):
    """The project's configuration, its mini study with another zoo and without the figures that draw its own."""
    configuration = yaml.safe_load(CONFIG.read_text())
    if zoo is not None:
        configuration["studies"]["mini"] |= {"zoo": zoo, "tables": {}}
    return configuration


def changed(number, **values):
    return TABLE[number].model_copy(update={"id": f"model-{number}", **values})


def row(number, file, size, group, family, task="x"):
    return changed(number, file=file, artifact_bytes=size, task_group=group, family=family, task=task)


def test_cheapest_bytes_for_a_new_group_first_then_for_a_new_family():
    rows = [
        row(0, "big", 100, "a", "one"),
        row(1, "big", 100, "b", "two"),
        row(2, "small", 60, "a", "three"),
        row(3, "cheap", 30, "a", "one"),
    ]
    # `cheap` has group a for 30; then b costs 100, with `big`; `small` brings its family.
    assert [model.file for model in diverse(rows, 30)] == ["cheap"]
    assert [model.file for model in diverse(rows, 130)] == ["big", "big", "cheap"]
    assert [model.file for model in diverse(rows, 189)] == ["big", "big", "cheap"]
    assert [model.file for model in diverse(rows, 190)] == ["big", "big", "small", "cheap"]
    assert diverse(rows, 29) == []


def test_of_a_file_one_model_of_each_family_and_task_is_taken():
    rows = [row(n, "one", 1, "a", "f", task) for n, task in enumerate(("x", "x", "y"))]
    assert [model.id for model in diverse(rows, 10)] == ["model-0", "model-2"]


def test_the_order_of_the_table_decides_nothing_but_the_order():
    chosen = {model.file for model in diverse(TABLE, 200_000_000)}
    assert {model.file for model in diverse(TABLE[::-1], 200_000_000)} == chosen


@pytest.mark.parametrize("limit", [0, 50_000_000, 380_000_000])
def test_the_files_stay_below_the_limit(limit):
    files = {model.file: model.artifact_bytes for model in diverse(TABLE, limit)}
    assert sum(files.values()) <= limit


def test_formats_and_licences_limit_what_is_eligible():
    assert {model.format for model in eligible(TABLE, ("npz", "ncnn"), False)} == {"npz", "ncnn"}
    assert all(model.commercial for model in eligible(TABLE, None, False))
    assert eligible(TABLE, None, True) == TABLE


def test_the_zoo_of_the_mini_study():
    study = check(config()).current
    chosen = study.zoo.from_packages
    assert len(chosen) >= 30
    assert len({model.task_group for model in chosen}) >= 12
    assert sum({model.file: model.artifact_bytes for model in chosen}.values()) < 400_000_000
    extracts = jobs.extracts(study)
    assert {model.id for model in chosen} <= set(extracts)
    assert {f"{name}-seed{seed}" for name in study.zoo.trained for seed in study.seeds} <= set(extracts)
    assert set(jobs.keyed(study)) >= {job.folder for job in extracts.values()}


def test_all_packages():
    assert len(Zoo(packages="all", non_commercial=True).from_packages) == 344
    assert Zoo().from_packages == []


@pytest.mark.parametrize(
    ("zoo", "message"),
    [
        ({"formats": ["pickle"]}, r"zoo\.formats"),
        ({"packages": "some"}, r"zoo\.packages"),
        ({"packages": {"max_bytes": 0}}, r"zoo\.packages"),
        ({"trained": ["nothing"]}, "zoo.trained: no base model 'nothing', expected a set, or a set-model"),
        ({"trained": ["cifar10-nothing"]}, "zoo.trained: no base model 'cifar10-nothing'"),
        ({"pretrained": ["resnet50"]}, r"zoo\.pretrained"),
        ({"pakages": "all"}, "unknown key 'pakages', expected one of: packages, formats"),
    ],
)
def test_a_wrong_section_is_one_line_that_names_it(zoo, message):
    with pytest.raises(KeyfiltersError, match=message) as error:
        check(config(zoo))
    assert "\n" not in str(error.value)


def test_what_a_study_knows_of_a_network_is_no_part_of_its_extraction_but_of_the_tables(monkeypatch):
    before = check(config({"packages": "all"})).current
    old_tables, old = jobs.filters(before).key, {name: job.key for name, job in jobs.extracts(before).items()}
    model = TABLE[0].model_copy(update={"task_group": "other"})
    monkeypatch.setattr("keyfilters.zoo.table.models", lambda: {model.id: model} | {m.id: m for m in TABLE[1:]})
    after = check(config({"packages": "all"})).current
    assert {name: job.key for name, job in jobs.extracts(after).items()} == old
    assert jobs.filters(after).key != old_tables


def test_a_new_version_of_a_reader_reaches_its_networks_alone(monkeypatch):
    before = jobs.extracts(check(config()).current)
    monkeypatch.setitem(identity.VERSIONS["readers"], "tflite", 99)
    after = jobs.extracts(check(config()).current)
    moved = {name for name in before if before[name].key != after[name].key}
    assert moved == {model.id for model in TABLE if model.format == "tflite" and model.id in before}
