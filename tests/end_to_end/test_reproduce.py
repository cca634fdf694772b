"""`keyfilters reproduce`: made anew in a folder of its own, compared with what is recorded, which it never touches."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from keyfilters.store import records
from tests.helpers.tiny_study import Study

CELL = "results/tiny/cells/table7/dots.json"


def reproduce(study: Study, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("keyfilters"), "reproduce", *arguments, "--cores", "2"]
    return subprocess.run(command, cwd=study.folder, capture_output=True, text=True)


def record_anew(study: Study, accuracy: float) -> None:
    """Record another mean of a cell, as if that had been found."""
    path = study.folder / CELL
    content = json.loads(path.read_text()) | {"mean": accuracy}
    records.record(path, content.pop("key"), {name: value for name, value in content.items() if name != "files"})


def test_tables_and_cells_are_made_again_from_images_and_compared(study):
    recorded = study.files()
    done = reproduce(study, "table7")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(
        "table7: equal; of 3 numbers 3 equal, 0 within tolerance, 0 different; its files are the same byte by byte\n"
    )
    assert (study.folder / "reproduced/artifacts/tiny/train").is_dir()

    again = reproduce(study, "table7")
    assert (again.returncode, again.stdout) == (0, done.stdout)
    assert "Nothing to be done" in again.stderr

    mean = json.loads((study.folder / CELL).read_text())["mean"]
    record_anew(study, mean - 5)  # of 8 test images
    one = reproduce(study, "table7", "dots")
    assert one.returncode == 0, one.stderr
    assert "table7/dots: within tolerance; of 1 numbers 0 equal, 1 within tolerance, 0 different\n" in one.stdout
    assert f"{mean - 5:.1f} %" in one.stdout
    assert f"{mean:.1f} %" in one.stdout

    record_anew(study, mean - 100)
    other = reproduce(study, "table7", "dots")
    assert other.returncode == 1
    assert "table7/dots: different;" in other.stdout
    assert other.stderr.splitlines()[-1].startswith("keyfilters reproduce: not as recorded: table7/dots; what was made")

    record_anew(study, mean)
    assert study.files() == recorded


@pytest.mark.fault("results", "what is recorded is of other settings, or gone", "reproduce does not begin; one line")
@pytest.mark.parametrize("fault", ["gone", "other settings"])
def test_without_a_record_that_fits_nothing_is_run(study, fault):
    if fault == "gone":
        (study.results / "tables/table7.csv").unlink()
    else:
        study.configure(lambda settings: settings["training"].update(epochs=3))
    done = reproduce(study, "table7")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "results/tiny/tables/table7.json: missing, changed or from other settings" in done.stderr
    assert not (study.folder / "reproduced").exists()


def test_an_unknown_table_is_one_line(study):
    done = reproduce(study, "table77")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "keyfilters reproduce: the study has no table77; it has 2 such names, among them table7"
    )
