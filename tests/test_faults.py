"""The table of faults says what the tests' marks say."""

import pytest

from tests.helpers import faults

MARKED = """
@pytest.mark.fault("train", "a mark", "a row")
@pytest.mark.parametrize("case", [1, pytest.param(2, marks=pytest.mark.fault("cell", "a case", "a row of its own"))])
def test_one(case):
    pass
"""


def test_the_page_is_what_the_marks_say():
    assert faults.PAGE.read_text(encoding="utf-8") == faults.page(faults.faults()), (
        "docs/faults.md is not what the tests say; write it anew with `python tests/helpers/faults.py`"
    )


def test_there_are_forty_and_no_two_are_one():
    rows = faults.faults()
    assert len(rows) >= 40
    assert len({(fault.stage, fault.fault) for fault in rows}) == len(rows)


def test_every_stage_has_a_fault():
    assert {fault.stage for fault in faults.faults()} == set(faults.STAGES)


def test_a_case_of_a_test_has_a_row_of_its_own(tmp_path, monkeypatch):
    (tmp_path / "test_it.py").write_text(MARKED)
    monkeypatch.setattr(faults, "PROJECT", tmp_path)
    assert [(fault.stage, fault.test) for fault in faults.faults(tmp_path)] == [
        ("train", "test_it.py::test_one"),
        ("cell", "test_it.py::test_one"),
    ]


@pytest.mark.parametrize("mark", ['"nowhere", "a", "b"', '"train", "a"', 'STAGE, "a", "b"', '"train", f"{1}", "b"'])
def test_a_mark_that_is_no_row_is_an_error_that_names_its_test(tmp_path, monkeypatch, mark):
    (tmp_path / "test_it.py").write_text(f"@pytest.mark.fault({mark})\ndef test_one():\n    pass\n")
    monkeypatch.setattr(faults, "PROJECT", tmp_path)
    with pytest.raises(ValueError, match=r"test_it\.py::test_one"):
        faults.faults(tmp_path)
