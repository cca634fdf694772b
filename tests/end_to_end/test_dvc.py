"""DVC over Snakemake: what is recorded comes back elsewhere, and nothing is trained again for it."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from keyfilters.store import artifacts
from tests.helpers.versioned import ENVIRONMENT, REMOTE, Versioned

CELL = "results/tiny/cells/table2/dots--stripes.json"


def learn_faster(study):
    study["training_of"] = {"stripes": {"learning_rate": 0.02}}


def damaged_objects(study):
    """Files of DVC's cache whose content is not what their name says."""
    objects = study.folder / ".dvc/cache/files/md5"
    return [
        path
        for path in objects.glob("??/*")
        if hashlib.md5(path.read_bytes()).hexdigest() != path.parent.name + path.name.removesuffix(".dir")
    ]


def test_a_second_repro_has_nothing_to_do(recorded):
    assert "up to date" in recorded.run("dvc", "repro").stdout
    assert recorded.stale() == set()


@pytest.mark.parametrize("link", ["copy", "hardlink", "symlink"])
def test_after_a_pull_nothing_is_planned_and_a_rerun_leaves_the_cache_alone(recorded, tmp_path, link):
    clone = recorded.clone(tmp_path / "clone", link)
    clone.run("dvc", "pull", "--quiet")
    clone.forget_times(0)
    assert clone.plan() == {}
    assert clone.plan("all_prepare", "all_train", "all_transfer") == {}
    clone.run("keyfilters", "verify")
    clone.build("--forcerun", "transfer", "--", CELL)
    clone.configure(learn_faster)
    clone.run("dvc", "repro", "--quiet")
    assert damaged_objects(clone) == []
    clone.run("keyfilters", "verify")
    assert clone.stale() == set()


def test_a_table_without_its_models_is_read_and_rendered(clone):
    before = clone.files()
    assert not clone.artifacts.exists()
    (clone.results / "tables/table2.md").unlink()
    assert clone.plan("table2") == {"table2": 1}
    clone.build("table2")
    assert clone.files() == before


@pytest.fixture
def beside(recorded) -> Versioned:
    """A bare clone beside the first, as `git clone` makes it."""
    folder = recorded.folder.parent / "second"
    recorded.run("git", "clone", "--quiet", str(recorded.folder), str(folder))
    yield Versioned(folder)
    shutil.rmtree(folder)


def test_a_second_clone_pulls_a_table_a_cell_and_the_store_and_trains_nothing(recorded, beside):
    cell = next((recorded.artifacts / "transfer").glob("dots--stripes-*"))
    beside.run("dvc", "pull", "--quiet", str(cell.relative_to(recorded.folder)))
    assert list(beside.trained()) == [f"transfer/{cell.name}"]
    assert beside.plan("--forcerun", "cell", "--", CELL) == {"cell": 1}
    beside.run("dvc", "pull", "--quiet", "transfers")
    assert "transfer" not in beside.plan("--forcerun", "cell", "--", "table2")
    beside.run("dvc", "pull", "--quiet", "filters")
    assert beside.plan("all_extract", "filters") == {}
    beside.build("--config", "pull=true", "--", "all", "all_train", "all_transfer", "filters")
    assert beside.trained() == recorded.trained()


@pytest.mark.fault(
    "pull", "nobody pushed to the remote, or it is elsewhere", "one line that names the remote and its cure"
)
@pytest.mark.parametrize("command", [["keyfilters", "pull"], ["snakemake", "--cores", "1", "--config", "pull=true"]])
def test_a_pull_from_a_remote_without_the_files_is_one_line_that_names_it(clone, tmp_path, command):
    clone.run("dvc", "remote", "modify", "--local", "shared", "url", str(tmp_path / "nowhere"))
    done = clone.run(*command, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if "dvc pull failed" in line]
    assert f"its remote shared is {tmp_path / 'nowhere'}; name the one that has it by `dvc remote modify" in line
    assert "or go on without a pull: Snakemake makes it" in line


@pytest.mark.fault("pull", "no remote is set", "one line that says how one is set")
def test_a_pull_without_a_remote_is_one_line(clone):
    (clone.folder / ".dvc/config").write_text("[core]\n    analytics = false\n")
    (clone.folder / ".dvc/config.local").unlink()
    done = clone.run("keyfilters", "pull", check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "no remote is set, which `dvc remote add --default shared URL` does" in done.stderr


def test_pulling_transfers_brings_them_alone(clone):
    clone.run("dvc", "pull", "--quiet", "transfers")
    assert sorted(path.name for path in clone.artifacts.iterdir()) == ["transfer"]
    clone.forget_times(1)
    assert clone.plan("table2") == {}


def test_pulling_one_cell_brings_one_cell(recorded, clone):
    folder = next((recorded.artifacts / "transfer").glob("dots--stripes-*-seed0-*"))
    clone.run("dvc", "pull", "--quiet", str(folder.relative_to(recorded.folder)))
    assert list(clone.trained()) == [f"transfer/{folder.name}"]


def test_a_changed_setting_names_and_runs_what_it_reaches(recorded, clone):
    clone.run("dvc", "pull", "--quiet")
    before = clone.trained()
    clone.configure(learn_faster)
    assert clone.stale() == {"models", "transfers", "table7", "table2", "filters"}
    clone.run("dvc", "repro", "--quiet")
    new = {folder for folder in clone.trained() if folder not in before}
    assert {folder.rpartition("-")[0] for folder in new} == {
        "train/stripes-seed0",
        "train/stripes-seed1",
        "transfer/stripes--waves-depthwise-seed0",
        "transfer/stripes--stripes-depthwise-seed0",
        "transfer/stripes--dots-depthwise-seed0",
        "transfer/dots--stripes-depthwise-seed0",
    }
    assert len(clone.trained()) == len(before)


def test_one_configuration_gives_one_hash_whatever_came_before(recorded, clone):
    lock = (clone.folder / "dvc.lock").read_text()
    original = (clone.folder / "config.yaml").read_text()
    clone.run("dvc", "pull", "--quiet")
    clone.configure(learn_faster)
    clone.run("dvc", "repro", "--quiet")
    assert (clone.folder / "dvc.lock").read_text() != lock
    (clone.folder / "config.yaml").write_text(original)
    clone.run("dvc", "repro", "--quiet")
    assert (clone.folder / "dvc.lock").read_text() == lock


def test_a_change_of_the_transfer_leaves_the_base_models_alone(clone):
    clone.run("dvc", "pull", "--quiet")
    clone.configure(lambda study: study.update(transfer={"bias": "copied"}))
    assert clone.stale() == {"transfers", "table2"}  # transfers are a stage of their own, no base model is in it


def test_what_a_colleague_trained_is_fetched_when_the_user_says_so(recorded, clone):
    clone.run("dvc", "pull", "--quiet", "sets", "models")
    shutil.rmtree(clone.results)
    assert clone.plan("table2")["transfer"] == 6
    clone.build("--dry-run", "--config", "pull=true", "--", "table2")
    assert not (clone.artifacts / "transfer").exists()
    printed = clone.build("--config", "pull=true", "--", "table2")
    assert "rule transfer:" not in printed
    assert dict.fromkeys(clone.trained()) == dict.fromkeys(recorded.trained())


def test_half_of_the_cells_from_elsewhere_leaves_the_other_half(recorded, clone):
    clone.run("dvc", "pull", "--quiet", "sets", "models")
    theirs = sorted((recorded.artifacts / "transfer").glob("dots--*"))
    clone.run("dvc", "pull", "--quiet", *(str(path.relative_to(recorded.folder)) for path in theirs))
    shutil.rmtree(clone.results)
    assert clone.plan("table2") == {"transfer": 3, "cell": 6 + 2, "table2": 1}  # with Table 7's of the two targets


@pytest.mark.fault("pull", "a remote that is gone", "everything stays as it is; one line")
def test_a_remote_that_is_gone_leaves_everything_as_it_is(recorded, clone, tmp_path):
    clone.run("dvc", "remote", "modify", "--local", "shared", "url", str(tmp_path / "nowhere"))
    before = clone.files()
    done = clone.run("dvc", "pull", check=False)
    assert done.returncode != 0
    assert "failed" in (done.stdout + done.stderr).lower()
    done = clone.snakemake("--config", "pull=true")
    assert done.returncode != 0
    assert "dvc pull failed" in done.stdout + done.stderr
    assert clone.files() == before


@pytest.fixture
def damaged_remote(recorded, clone, tmp_path):
    """Makes the clone's remote one that returns other bytes than were pushed."""
    remote = recorded.folder.parent / REMOTE
    broken = Path(shutil.copytree(remote, tmp_path / "broken"))
    for path in broken.rglob("*"):
        if path.is_file() and path.suffix != ".dir":
            path.chmod(0o644)
            path.write_bytes(path.read_bytes()[:-1] + b"?!")
    clone.run("dvc", "remote", "modify", "--local", "shared", "url", str(broken))


@pytest.mark.fault("pull", "a verified remote gives wrong bytes", "DVC refuses them")
@pytest.mark.usefixtures("damaged_remote")
def test_wrong_bytes_of_a_verified_remote_are_refused_by_dvc(clone):
    clone.run("dvc", "remote", "modify", "--local", "shared", "verify", "true")
    assert clone.run("dvc", "pull", check=False).returncode != 0
    assert not clone.trained()


@pytest.mark.fault("pull", "a remote gives wrong bytes", "`keyfilters pull` finds and removes them")
@pytest.mark.usefixtures("damaged_remote")
def test_wrong_bytes_are_found_and_removed_by_our_own_pull(clone):
    done = clone.run("keyfilters", "pull", check=False)
    assert done.returncode != 0
    assert "dvc pull brought other bytes than were pushed" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.fault("DVC", "an artifact of DVC has other bytes in its place", "one line names it; it is not used")
@pytest.mark.usefixtures("damaged_remote")
def test_wrong_bytes_in_place_are_named_and_not_used(clone):
    clone.run("dvc", "pull", "--quiet", check=False)
    done = clone.run("keyfilters", "verify", check=False)
    assert done.returncode != 0
    assert done.stderr.count("not a complete artifact") == 16  # 3 sets, 12 trainings, an extraction


@pytest.mark.fault("DVC", "`dvc repro`, or what it runs, is killed", "the next call finishes what is missing")
@pytest.mark.parametrize("whom", ["everything", "snakemake alone"])
@pytest.mark.parametrize("finished", [0, 1, 3, 5, 8])
def test_a_killed_repro_is_finished_by_the_next(clone, finished, whom):
    if whom == "snakemake alone" and finished != 3:
        pytest.skip("one moment is enough for the orphans")
    clone.run("dvc", "pull", "--quiet", "sets")
    shutil.rmtree(clone.results)
    repro = subprocess.Popen(
        ["dvc", "repro", "table2"],
        cwd=clone.folder,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_for(lambda: len(clone.trained()) >= finished and running(repro.pid), "the moment to kill")
    if whom == "everything":
        os.killpg(repro.pid, signal.SIGKILL)
    else:
        for pid in running(repro.pid):
            os.kill(pid, signal.SIGKILL)
    repro.wait()
    before = clone.trained()
    clone.run("dvc", "repro", "table2")
    after = clone.trained()
    assert {folder: after[folder] for folder in before} == before
    assert len(after) == 12
    assert list(clone.artifacts.glob("*/.*")) == []
    clone.run("keyfilters", "verify")


@pytest.mark.fault("DVC", "two `dvc repro` at once", "nothing is lost")
def test_two_repros_at_once_lose_nothing(clone):
    clone.run("dvc", "pull", "--quiet")
    clone.configure(learn_faster)
    both = [
        subprocess.Popen(
            ["dvc", "repro", table],
            cwd=clone.folder,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for table in ("table7", "table2")
    ]
    for repro in both:
        printed, _ = repro.communicate()
        assert repro.returncode == 0 or re.search(r"lock", printed, re.I), printed
    clone.run("dvc", "repro")
    clone.run("keyfilters", "verify")
    assert clone.plan() == {}
    assert clone.stale() == set()


def wait_for(condition, what, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.1)


def running(session: int) -> list[int]:
    """Process ids of the Snakemake processes in a session."""
    processes = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if os.getsid(int(folder.name)) == session and any(word.endswith(b"snakemake") for word in words):
                processes.append(int(folder.name))
        except (OSError, ProcessLookupError):
            continue
    return processes


def test_artifacts_of_a_clone_are_those_of_the_original(recorded, clone):
    clone.run("dvc", "pull", "--quiet")
    for manifest in recorded.artifacts.glob("*/*/manifest.json"):
        folder = str(manifest.parent.relative_to(recorded.artifacts))
        assert artifacts.read(clone.artifacts, folder).manifest == artifacts.read(recorded.artifacts, folder).manifest
