"""How results that were made anew compare with recorded ones, and that everything that is recorded can be made."""

import subprocess
from pathlib import Path

import pandas as pd
import pytest

from keyfilters.provenance import reproduce
from keyfilters.store import records
from keyfilters.store.identity import Job
from keyfilters.study import jobs, paths
from keyfilters.study.study import load
from tests.helpers.stubs import run_record

PROJECT = Path(__file__).parents[2]
JOB = Job("table6", "table6", {})


def result(results: Path, table: pd.DataFrame, suffix: str = ".csv") -> None:
    file = paths.record(results, "table6", "table6").with_suffix(suffix)
    file.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(file, index=False) if suffix == ".csv" else table.to_parquet(file)
    records.record(file.with_suffix(".json"), JOB.key, {}, [file])


def compared(folder: Path, suffix: str = ".csv", **columns) -> reproduce.Comparison:
    """Of a table of 2 rows and one whose columns were made otherwise."""
    table = pd.DataFrame({"name": ["a", "b"], "value": [1.0, 2000.0]})
    result(folder / "recorded", table, suffix)
    result(folder / "made", table.assign(**columns), suffix)
    (comparison,) = reproduce.compare({"table6": JOB}, folder / "recorded", folder / "made")
    return comparison


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize(
    ("columns", "counts"),
    [
        ({}, (4, 0, 0)),
        ({"value": [1.0, 2001.0]}, (3, 1, 0)),  # a thousandth is within
        ({"value": [1.0, 2010.0]}, (3, 0, 1)),
        ({"name": ["a", "c"]}, (3, 0, 1)),
    ],
)
def test_numbers_and_texts_are_equal_within_the_tolerance_or_different(tmp_path, suffix, columns, counts):
    comparison = compared(tmp_path, suffix, **columns)
    assert tuple(map(comparison.count, (reproduce.EQUAL, reproduce.WITHIN, reproduce.DIFFERENT))) == counts
    assert comparison.same_bytes == (not columns)
    assert comparison.line.startswith(
        f"table6: {comparison.worst}; of 4 numbers {counts[0]} equal, {counts[1]} within tolerance"
    )


def test_a_missing_value_equals_a_missing_value(tmp_path):
    missing = pd.DataFrame({"name": ["a", None], "value": [1.0, float("nan")]})
    for folder in ("recorded", "remade"):
        result(tmp_path / folder, missing, ".parquet")
    (comparison,) = reproduce.compare({"table6": JOB}, tmp_path / "recorded", tmp_path / "remade")
    assert comparison.worst == reproduce.EQUAL


def test_processors_are_those_of_the_trainings_alone(tmp_path):
    training = Job("train", "digits", {})
    named = {"table7": Job("table7", "table7", {}, {"digits": Job("cell", "digits", {}, {"seed0": training})})}
    assert reproduce.processors(named, tmp_path) == []
    run_record(tmp_path, training.folder, hardware="abacus, 2 cores")
    assert reproduce.processors(named, tmp_path) == ["abacus, 2 cores"]


def test_another_shape_is_different(tmp_path):
    comparison = compared(tmp_path, more=[0, 0])
    assert (comparison.worst, [number.remade for number in comparison.numbers]) == (
        "different",
        ["2 rows of name, value, more"],
    )


def test_everything_that_is_recorded_of_mini_is_made_by_it():
    study, results = load(PROJECT / "config.yaml", "mini").current, PROJECT / "results/mini"
    outputs = {paths.record(results, "cell", name) for name in jobs.cells(study)}
    for name, job in jobs.everything(study).items():
        record = reproduce.record_of(results, name, job)
        if record.exists():
            outputs |= {record, *(record.with_name(file) for file in records.load(record)["files"])}
    listed = subprocess.check_output(["git", "ls-files", "-z", "results/mini"], cwd=PROJECT, text=True)
    recorded = {PROJECT / path for path in listed.split("\0") if path}
    copies = {path for path in recorded if path.relative_to(results).parts[0] in ("manifests", "runs", "README.md")}
    assert sorted(recorded - copies - outputs) == []
