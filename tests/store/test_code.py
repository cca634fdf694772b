"""The digest of a stage's code follows what the code does, and all that the stage can reach."""

import pytest

from keyfilters.errors import KeyfiltersError
from keyfilters.store import code
from keyfilters.store.identity import code_versions

SOURCE = '''"""Docs."""
from typing import TYPE_CHECKING
from keyfilters.models import build
if TYPE_CHECKING:
    from keyfilters.study.study import Study

def twice(x):
    """Double it."""
    return 2 * x  # a comment
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Double it.", "Add it to itself."),
        ("  # a comment", ""),
        ("2 * x", "(2*\n        x)"),
        ("study.study import Study", "study.jobs import Job"),
        ('    """Double it."""\n', ""),
    ],
)
def test_docs_comments_and_formatting_change_nothing(old, new):
    assert old in SOURCE
    assert code.parse(SOURCE.replace(old, new)) == code.parse(SOURCE)


@pytest.mark.parametrize(("old", "new"), [("2 * x", "3 * x"), ("import build", "import hornet"), ("twice", "double")])
def test_code_changes_the_digest(old, new):
    assert code.parse(SOURCE.replace(old, new)).digest != code.parse(SOURCE).digest


def test_imports_are_those_that_run():
    assert code.parse(SOURCE).named == {"keyfilters.models", "keyfilters.models.build"}
    by_name = code.parse('from importlib import import_module\nBUILDER = "keyfilters.models.hornet:build"')
    assert (by_name.named, by_name.imports_by_name) == ({"keyfilters.models.hornet"}, True)


@pytest.mark.parametrize(
    ("stage", "reached", "out_of_reach"),
    [
        ("train", {"training.loop", "models.hornet", "models.lowres", "datasets.augmentation"}, {"transfer.copying"}),
        ("transfer", {"transfer.copying", "training.loop"}, {"results.cell", "study.jobs"}),
        ("prepare", {"sources.archive", "sources.package_sets.emoji"}, {"training.loop"}),
        ("extract", {"zoo.readers", "filters.onnx_export"}, {"zoo.readers.onnx"}),
        ("readers.onnx", {"zoo.readers.onnx"}, {"zoo.readers.tflite"}),
        ("cell", {"store.records"}, {"training.loop"}),
    ],
)
def test_a_stage_reaches_what_it_imports_or_names(stage, reached, out_of_reach):
    modules = {name.removeprefix("keyfilters.") for name in code.reached(stage)}
    assert reached <= modules
    assert not out_of_reach & modules


def test_every_stage_and_reader_has_a_digest():
    assert all(len(code.digest(stage)) == 12 for stage in code_versions())


@pytest.fixture
def lock(tmp_path, monkeypatch):
    monkeypatch.setattr(code, "LOCK", tmp_path / "code.lock.yaml")
    code.locked.cache_clear()
    yield
    code.locked.cache_clear()


def changed_to(monkeypatch, digest):
    monkeypatch.setattr(code, "digest", lambda stage: digest)


@pytest.mark.usefixtures("lock")
def test_a_change_is_declared_or_the_number_raised(monkeypatch):
    changed_to(monkeypatch, "aaa")
    code.lock({"train": 1}, [], "")
    assert code.changed({"train": 1}) == []

    changed_to(monkeypatch, "bbb")
    assert code.changed({"train": 1}) == ["train"]
    assert not code.is_same("train", "aaa")
    assert code.representative("train") == "bbb"
    with pytest.raises(KeyfiltersError, match="the code of train changed; raise their numbers"):
        code.lock({"train": 1}, ["transfer"], "moved")

    code.lock({"train": 1}, ["train"], "moved")
    assert code.changed({"train": 1}) == []
    assert code.is_same("train", "aaa")
    assert code.representative("train") == "aaa"
    assert code.locked()["train"]["harmless"] == {"bbb": "moved"}

    changed_to(monkeypatch, "ccc")
    assert code.changed({"train": 2}) == ["train"]
    code.lock({"train": 2}, [], "")
    assert code.locked() == {"train": {"version": 2, "digest": "ccc"}}
    assert not code.is_same("train", "aaa")


def test_the_code_of_every_stage_is_that_of_its_version():
    """Fails where code changed that a stage can reach: raise the stage's number, or declare the change harmless."""
    changed = code.changed(code_versions())
    assert not changed, f"`make code-digests`, see docs/versions.md, for: {', '.join(changed)}"
