"""Artifacts appear whole or not at all, and a damaged one is never read."""

import json
import signal
import subprocess
import sys

import pytest

from keyfilters.errors import KeyfiltersError
from keyfilters.store import artifacts, records, runs
from keyfilters.store.identity import Job

JOB = Job("prepare", "dots", {"size": 3})


def write(root, text="dots", job=JOB):
    with artifacts.write(root, job.description) as draft:
        (draft.path / "dots.txt").write_text(text)
        draft.facts["count"] = 3
    return root / job.folder


def left_in(root):
    return sorted(path.name for path in (root / "prepare").iterdir())


def test_a_written_artifact_is_read_back(tmp_path):
    write(tmp_path)
    artifact = artifacts.read(tmp_path, JOB.folder)
    assert artifact.facts == {"count": 3}
    assert artifact.description == JOB.description
    assert left_in(tmp_path) == [JOB.folder.split("/")[1]]


def test_how_it_went_is_kept_apart_from_what_was_found(tmp_path):
    """The same artifact on another day, on another machine: other runs, the same bytes."""
    reader = Job("train", "net", {}, {"dataset": JOB})
    manifests = []
    for name, hardware, seconds in (("one", "a processor", 5.0), ("other", "another", 7000.0)):
        root = tmp_path / name
        for job in (JOB, reader):
            with artifacts.write(root, job.description) as draft:
                draft.hardware = hardware
                draft.meter.earlier = {"seconds": seconds, "cpu_seconds": seconds}
                draft.run["images_per_second"] = seconds
                draft.facts["count"] = 3
            run = runs.load(job.folder, root)
            assert run["hardware"] == hardware
            assert run["seconds"] >= seconds
            assert run["images_per_second"] == seconds
            assert run["software"]["torch"]
        manifests.append({path.relative_to(root): path.read_bytes() for path in root.glob("*/*/manifest.json")})
    assert manifests[0] == manifests[1]
    assert runs.load(JOB.folder, tmp_path / "none") is None


@pytest.mark.fault("artifact", "a job that fails", "it leaves nothing")
def test_a_failing_job_leaves_nothing(tmp_path):
    def half_a_job():
        with artifacts.write(tmp_path, JOB.description) as draft:
            (draft.path / "dots.txt").write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_a_job()
    assert left_in(tmp_path) == []


@pytest.mark.fault(
    "artifact", "a job that is killed while it writes", "nothing of it counts, and the next one cleans up"
)
def test_a_killed_job_leaves_nothing_that_counts_and_the_next_one_cleans_up(tmp_path):
    program = (
        "import os, signal; from pathlib import Path; from keyfilters.store import artifacts\n"
        f"with artifacts.write(Path({str(tmp_path)!r}), {JOB.description!r}) as draft:\n"
        "    (draft.path / 'dots.txt').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program])
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / JOB.folder).exists()
    with pytest.raises(KeyfiltersError, match="not a complete artifact"):
        artifacts.read(tmp_path, JOB.folder)
    write(tmp_path)
    assert left_in(tmp_path) == [JOB.folder.split("/")[1]]


def test_a_rerun_replaces_the_files_and_writes_through_no_link(tmp_path):
    folder = write(tmp_path, "first")
    cached = tmp_path / "cache.txt"
    (folder / "dots.txt").replace(cached)
    (folder / "dots.txt").symlink_to(cached)
    write(tmp_path, "second")
    assert (folder / "dots.txt").read_text() == "second"
    assert cached.read_text() == "first"


@pytest.mark.fault("artifact", "a file of an artifact is cut short, changed or gone", "one line names it")
@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_damaged_file_is_named(tmp_path, damage):
    file = write(tmp_path) / "dots.txt"
    file.unlink() if damage == "missing" else file.write_text("DOTS")
    with pytest.raises(KeyfiltersError, match=r"dots\.txt: missing or damaged"):
        artifacts.read(tmp_path, JOB.folder)


@pytest.mark.fault("artifact", "the input of a job is damaged", "the job does not begin; one line")
def test_a_damaged_input_starts_no_job(tmp_path):
    (write(tmp_path) / "dots.txt").write_text("DOTS")
    above = Job("train", "net", {}, {"dataset": JOB})
    with (
        pytest.raises(KeyfiltersError, match="missing or damaged"),
        artifacts.write(tmp_path, above.description),
    ):
        pytest.fail("the block must not start")


@pytest.mark.fault("artifact", "the manifest of another artifact in the place of its own", "refused in one line")
def test_a_manifest_of_another_artifact_is_refused(tmp_path):
    folder = write(tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["description"]["settings"]["size"] = 4
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(KeyfiltersError, match="describes another artifact"):
        artifacts.read(tmp_path, JOB.folder)


OTHER_JSON = ["[1, 2]", "3", '"text"', "null", "{}", '{"key": 3, "files": [], "description": [], "code": "as it was"}']


@pytest.mark.fault("artifact", "a manifest or a record is JSON of something else", "it counts as damaged; no traceback")
@pytest.mark.parametrize("content", OTHER_JSON)
def test_json_of_something_else_in_the_place_of_a_manifest_or_a_record_is_damage(tmp_path, content):
    manifest, run = write(tmp_path) / artifacts.MANIFEST, runs.path(tmp_path, JOB.folder)
    for path in (manifest, run):
        path.write_text(content)
    with pytest.raises(KeyfiltersError, match="delete it and run again"):
        artifacts.read(tmp_path, JOB.folder)
    assert runs.load(JOB.folder, tmp_path) is None
    assert not records.is_fresh(manifest, JOB.key)
    with pytest.raises(ValueError, match="no "):
        records.load(manifest)


@pytest.mark.parametrize("part", ["files", "inputs", "facts"])
def test_a_manifest_without_one_of_its_parts_is_damaged(tmp_path, part):
    manifest = write(tmp_path) / artifacts.MANIFEST
    for damage in ({}, {part: []}):
        whole = json.loads(manifest.read_text())
        manifest.write_text(json.dumps({name: held for name, held in whole.items() if name != part} | damage))
        with pytest.raises(KeyfiltersError, match=part):
            artifacts.read(tmp_path, JOB.folder)


@pytest.mark.fault("artifact", "a job opens an artifact that its description does not name", "one line names both")
def test_a_job_opens_its_inputs_and_nothing_else(tmp_path):
    other = Job("prepare", "stripes", {})
    for job in (JOB, other):
        write(tmp_path, job=job)
    reader = Job("train", "net", {}, {"dataset": JOB})
    with artifacts.declared(reader.description):
        assert artifacts.read(tmp_path, JOB.folder).facts == {"count": 3}
        with pytest.raises(KeyfiltersError, match=rf"{other.folder}: no input of the job {reader.folder}"):
            artifacts.manifest(tmp_path, other.folder)
    with artifacts.write(tmp_path, reader.description), pytest.raises(KeyfiltersError, match="no input"):
        artifacts.read(tmp_path, other.folder)
    assert artifacts.read(tmp_path, other.folder).facts == {"count": 3}  # outside a job
