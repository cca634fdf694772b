"""`keyfilters status --watch` draws from files alone how far a study is, until nothing is left."""

import io
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from keyfilters.planning.watch import Watch, watch
from keyfilters.store.files import write_text
from keyfilters.study import jobs
from keyfilters.study.study import check
from tests.helpers.stubs import configuration, make, run_record

LINE = "set00-seed0: epoch 3/12, loss 1.234, training accuracy 45.6%, 2,000 images/s, 0:01:00 left"


@pytest.fixture
def study():
    return check(configuration(targets=2, sources=2)).current


@pytest.fixture
def folder(tmp_path, study):
    """A folder with the tiny study, all of it made and its costs recorded: 16 jobs."""
    make(study, tmp_path / "artifacts/tiny", tmp_path / "results/tiny")
    for job in [*jobs.keyed(study).values(), *jobs.cells(study).values(), *jobs.tables(study).values()]:
        run_record(tmp_path / "artifacts/tiny", job.folder, seconds=100.0)
    return tmp_path


def watched(folder, study):
    return Watch(study, "tiny", folder / "artifacts/tiny", folder / "results/tiny", folder / "logs")


def unmake(folder, study, cell="table7/set00"):
    """Remove Table 7, one of its cells and the training of that; returns the training."""
    training = jobs.cells(study)[cell].inputs["seed0"]
    (folder / "results/tiny/tables/table7.json").unlink()
    (folder / f"results/tiny/cells/{cell}.json").unlink()
    shutil.rmtree(folder / "artifacts/tiny" / training.folder)
    return training


def runs_now(folder, job, line):
    log = folder / f"logs/{job.folder}.log"
    write_text(log, f"{line}\n")
    path = folder / "artifacts/tiny" / job.folder
    path.with_name(f".{path.name}.x1y2.partial").mkdir()


def sleepless(_):
    raise AssertionError("it waits, though nothing is left")


def test_a_study_that_is_made_ends_at_once_and_says_where_to_look(folder, study, capsys):
    watch(watched(folder, study), Console(file=io.StringIO()), 5, sleepless)
    line, where = capsys.readouterr().out.splitlines()
    number = len({*jobs.keyed(study), *jobs.cells(study), *jobs.tables(study)})
    assert line.endswith(f" tiny: {number} of {number} jobs, 0 running, nothing left")
    assert where == f"results: {folder}/results/tiny, on one page: make page STUDY=tiny"


def test_a_running_training_says_what_is_left_and_the_others_cost_what_they_did(folder, study):
    runs_now(folder, unmake(folder, study), LINE)
    now = watched(folder, study)
    now.look()
    assert not now.ended
    assert now.whole().endswith("jobs, 1 running, 4 min left")  # 60 s, and 100 s each of a cell and a table
    console = Console(file=io.StringIO(), width=120)
    console.print(now.picture())
    picture = console.file.getvalue().splitlines()
    counts = {line.split("━")[0].strip(): line.rpartition(" ")[2] for line in picture if "━" in line}
    assert counts["tables and figures"] == "1/2"
    assert counts["prepare"] == "2/2"
    assert picture[-1].strip() == LINE


def test_what_a_finished_table_rests_on_is_done_unless_another_needs_it(folder, study):
    shutil.rmtree(folder / "artifacts/tiny")
    now = watched(folder, study)
    now.look()
    assert now.ended
    (folder / "results/tiny/tables/table7.json").unlink()
    (folder / "results/tiny/cells/table7/set00.json").unlink()
    now = watched(folder, study)
    now.look()
    assert {name.split("-")[0] for name in now.of("waiting")} == {
        "table7",
        "table7/set00",
        "train/set00",
        "prepare/set00",
    }


def test_failed_jobs_are_shown_and_nothing_is_waited_for_when_only_they_are_left(folder, study):
    write_text(folder / "logs/table7/tiny.log", "keyfilters render: something is wrong\n")
    (folder / "results/tiny/tables/table7.json").unlink()
    now = watched(folder, study)
    now.look()
    assert now.ended
    assert "0 running, 1 failed, " in now.whole()
    assert now.picture().lines == ["failed: table7: keyfilters render: something is wrong"]


def test_a_pipe_gets_a_line_whenever_something_changed_until_all_is_made(folder, study, capsys):
    copy = folder / "copy"
    shutil.copytree(folder / "results", copy)
    unmade = folder / "results/tiny/tables/table7.json"
    unmade.unlink()
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 2:
            shutil.copy(copy / "tiny/tables/table7.json", unmade)

    watch(watched(folder, study), Console(file=io.StringIO()), 7, sleep)
    lines = capsys.readouterr().out.splitlines()
    assert slept == [7, 7]
    assert [line.rpartition(", ")[2] for line in lines[:-1]] == ["2 min left", "nothing left"]


def test_a_terminal_is_redrawn(folder, study):
    console = Console(file=io.StringIO(), force_terminal=True, width=100, height=20)
    watch(watched(folder, study), console, 5, sleepless)
    assert "nothing left" in console.file.getvalue()
    assert "transfer" in console.file.getvalue()


def command(folder, *arguments):
    (folder / "config.yaml").write_text(yaml.safe_dump(configuration(targets=2, sources=2)))
    return [str(Path(sys.executable).with_name("keyfilters")), "status", *arguments]


@pytest.mark.fault("planning", "Ctrl-C while `status --watch` waits", "it ends without a traceback")
def test_ctrl_c_ends_it_without_a_traceback(folder, study):
    (folder / "results/tiny/tables/table7.json").unlink()
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command(folder, "--watch", "1000"), cwd=folder, env={**os.environ}, **pipes) as process:
        line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        try:
            _, errors = process.communicate(timeout=300)
        finally:
            process.kill()
    assert line.endswith("2 min left\n")
    assert process.returncode == 0
    assert errors == ""


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_a_time_that_is_none_is_refused(folder, seconds):
    done = subprocess.run(command(folder, f"--watch={seconds}"), cwd=folder, capture_output=True, text=True)
    assert done.returncode == 2
    assert "--watch" in done.stderr.splitlines()[-1]
