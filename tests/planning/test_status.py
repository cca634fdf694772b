"""`keyfilters status` tells from files alone what is done, runs, waits and failed."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from keyfilters.errors import GOES_ON
from keyfilters.planning.status import Files, cost, states, status
from keyfilters.running import heartbeat
from keyfilters.store import artifacts, identity, records
from keyfilters.store.files import write_text
from keyfilters.study import jobs, paths
from keyfilters.study.study import check
from keyfilters.training.train import train
from tests.helpers.stubs import configuration, make, run_record
from tests.helpers.tiny_jobs import training_job

LINE = "set00-seed0: epoch 3/12, loss 1.234, training accuracy 45.6%, 2,000 images/s, 0:00:09 left"


@pytest.fixture
def folder(tmp_path):
    """A folder with the tiny study, whose Table 7 has two base models, one per set, all of it made."""
    study = check(configuration(targets=2, sources=2)).current
    make(study, tmp_path / "artifacts/tiny", tmp_path / "results/tiny")
    return tmp_path


@pytest.fixture
def study():
    return check(configuration(targets=2, sources=2)).current


def files(folder: Path) -> Files:
    return Files("tiny", folder / "artifacts/tiny", folder / "results/tiny", folder / "logs")


def unmake(folder: Path, study, *names: str) -> None:
    """Remove Table 7, the cells `names` and their trainings."""
    (folder / "results/tiny/tables/table7.json").unlink()
    for name in names:
        (folder / f"results/tiny/cells/{name}.json").unlink()
        shutil.rmtree(folder / "artifacts/tiny" / training(study, name).folder)


def training(study, name: str):
    return jobs.cells(study)[name].inputs["seed0"]


def write_log(folder: Path, job, *lines: str) -> Path:
    log = folder / f"logs/{job.folder}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("".join(f"{line}\n" for line in lines))
    return log


def age(path: Path, seconds: float = heartbeat.SILENCE + 1) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def state_of_training(folder: Path, study, name: str = "table7/set00"):
    """The state of the training of a cell of Table 7."""
    return states("table7", jobs.tables(study)["table7"], files(folder))[training(study, name).folder]


def partial(folder: Path, job) -> Path:
    path = folder / "artifacts/tiny" / job.folder
    path = path.with_name(f".{path.name}.x1y2.partial")
    path.mkdir()
    return path


def shown(renderable) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def test_what_is_made_is_done(folder, study):
    assert {now.state for now in states("table7", jobs.tables(study)["table7"], files(folder)).values()} == {"done"}


def test_under_a_finished_table_nothing_waits(folder, study):
    shutil.rmtree(folder / "artifacts")
    by_name = states("table7", jobs.tables(study)["table7"], files(folder))
    assert len(by_name) == 1 + 2 + 2 + 2  # the table, its cells, trainings and sets
    assert {now.state for now in by_name.values()} == {"done"}


def test_a_set_that_a_training_still_needs_is_not_done(folder, study):
    unmake(folder, study, "table7/set00")
    shutil.rmtree(folder / "artifacts/tiny/prepare")
    by_name = states("table7", jobs.tables(study)["table7"], files(folder))
    states_of_sets = {name.split("-")[0]: now.state for name, now in by_name.items() if name.startswith("prepare/")}
    assert states_of_sets == {"prepare/set00": "waiting", "prepare/set01": "done"}


def test_what_was_not_begun_waits(folder, study):
    unmake(folder, study, "table7/set00")
    assert state_of_training(folder, study).state == "waiting"
    assert state_of_training(folder, study, "table7/set01").state == "done"


def test_a_job_with_signs_of_life_runs(folder, study):
    unmake(folder, study, "table7/set00")
    job = training(study, "table7/set00")
    age(write_log(folder, job, LINE))
    partial(folder, job)
    training_now = state_of_training(folder, study)
    assert (training_now.state, training_now.line) == ("running", LINE)


def test_a_job_that_is_starting_runs(folder, study):
    unmake(folder, study, "table7/set00")
    log = write_log(folder, training(study, "table7/set00"))
    assert state_of_training(folder, study).state == "running"
    age(log)
    assert state_of_training(folder, study).state == "waiting"


@pytest.mark.fault("planning", "a job that gives no sign of life any more", "status says that it was killed")
def test_a_silent_job_was_killed(folder, study):
    unmake(folder, study, "table7/set00")
    job = training(study, "table7/set00")
    write_log(folder, job, LINE)
    age(partial(folder, job))
    training_now = state_of_training(folder, study)
    assert (training_now.state, training_now.line) == ("failed", f"killed; {LINE}")


@pytest.mark.fault("planning", "a log that ends with an error", "status counts the job as failed and shows the line")
@pytest.mark.parametrize(
    "lines",
    [
        (LINE, "keyfilters train: the GPU's memory does not suffice"),
        ("Traceback (most recent call last):", "  File ...", "ZeroDivisionError: division by zero"),
    ],
)
def test_an_error_at_the_logs_end_is_a_failure(folder, study, lines):
    unmake(folder, study, "table7/set00")
    write_log(folder, training(study, "table7/set00"), *lines)
    training_now = state_of_training(folder, study)
    assert (training_now.state, training_now.line) == ("failed", lines[-1])


@pytest.mark.parametrize("last", [f"keyfilters train: stopped by SIGTERM in epoch 3; {GOES_ON}", "set00-seed0: 50%"])
def test_what_was_stopped_or_set_aside_waits(folder, study, last):
    unmake(folder, study, "table7/set00")
    write_log(folder, training(study, "table7/set00"), LINE, last)
    assert state_of_training(folder, study).state == "waiting"


def test_a_failed_cell_and_a_failed_table_are_found(folder, study):
    unmake(folder, study, "table7/set00")
    for log in ("cell/tiny/table7/set00.log", "table7/tiny.log"):
        (folder / "logs" / log).parent.mkdir(parents=True, exist_ok=True)
        (folder / "logs" / log).write_text("keyfilters cell: something is wrong\n")
    by_name = states("table7", jobs.tables(study)["table7"], files(folder))
    assert (by_name["table7"].state, by_name["table7/set00"].state) == ("failed", "failed")


def test_tables_are_counted_and_lines_shown(folder, study):
    unmake(folder, study, "table7/set00", "table7/set01")
    running, failed = training(study, "table7/set00"), training(study, "table7/set01")
    partial(folder, running)
    write_log(folder, running, LINE)
    write_log(folder, failed, "keyfilters train: no room [at all]")
    printed = shown(status(study, files(folder)))
    row = next(line for line in printed.splitlines() if "table7" in line)
    assert [int(count) for count in row.replace("│", " ").split()[1:]] == [2, 1, 3, 1]
    assert LINE in printed
    assert "keyfilters train: no room [at all]" in printed


def test_a_real_training_gives_signs_of_life_and_leaves_none(tmp_path, monkeypatch):
    monkeypatch.setattr(heartbeat, "SECONDS", 0.01)
    job = training_job(tmp_path)
    with artifacts.write(tmp_path, job.description) as draft:
        age(draft.path)
        assert not heartbeat.is_alive(draft.path)
        deadline = time.monotonic() + 10
        while not heartbeat.is_alive(draft.path) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert heartbeat.is_alive(draft.path)
    assert [path.name for path in (tmp_path / "train").iterdir()] == [Path(job.folder).name]


def test_costs_are_listed_and_added(folder, study):
    job = training(study, "table7/set00")
    shutil.rmtree(folder / "artifacts/tiny" / job.folder)
    with artifacts.write(folder / "artifacts/tiny", job.description) as draft:
        draft.hardware = "a GPU; a CPU"
        draft.meter.earlier = {"seconds": 7200, "cpu_seconds": 3600, "gpu_seconds": 7200}
        draft.meter.gpu_memory = lambda: 5_000_000_000
    lines = shown(cost(study, folder / "artifacts/tiny", folder / "results/tiny")).splitlines()
    cells = [cell.strip() for cell in next(line for line in lines if job.folder in line).split("│")[2:-1]]
    assert cells[:3] == ["7,200", "1.000", "2.000"]
    assert cells[4:] == ["5,000", "a GPU; a CPU"]
    assert [cell.strip() for cell in lines[-2].split("│")[1:5]][::3] == ["all", "2.000"]


def test_artifacts_that_were_made_elsewhere_cost_nothing_here(folder, study):
    shutil.rmtree(folder / "artifacts/tiny/runs")
    lines = shown(cost(study, folder / "artifacts/tiny", folder / "results/tiny")).splitlines()
    assert [cell.strip() for cell in lines[-2].split("│")[1:5]] == ["all", "0", "0.000", "0.000"]
    assert not any("train/" in line for line in lines)


def test_what_was_made_elsewhere_costs_what_the_results_say_and_that_is_said(folder, study):
    job = training(study, "table7/set00")
    run_record(folder / "results/tiny", job.folder, seconds=1234, cpu_seconds=3600, hardware="a CPU elsewhere")
    here = shown(cost(study, folder / "artifacts/tiny", folder / "results/tiny"))
    assert "1,234" not in here
    assert "elsewhere" not in here
    shutil.rmtree(folder / "artifacts")
    lines = shown(cost(study, folder / "artifacts/tiny", folder / "results/tiny")).splitlines()
    row = next(line for line in lines if job.folder in line)
    assert [cell.strip() for cell in row.split("│")[2:8]] == ["1,234", "1.000", "", "", "", "a CPU elsewhere"]
    assert lines[-1].startswith("Of 1 of these 1 jobs nothing is recorded here: their costs are those in ")
    assert "results/tiny/runs" in lines[-1]


def test_what_was_not_measured_stays_empty(tmp_path, study, monkeypatch):
    monkeypatch.setattr(artifacts.Meter, "spent", {"seconds": 12.3})
    make(study, tmp_path / "artifacts", tmp_path / "results")
    row = next(
        line
        for line in shown(cost(study, tmp_path / "artifacts", tmp_path / "results")).splitlines()
        if "train/set00" in line
    )
    assert [cell.strip() for cell in row.split("│")[2:7]] == ["12", "", "", "", ""]


def test_the_command_reads_the_project_in_this_folder(folder, study):
    config = configuration(targets=2, sources=2)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    command = [str(Path(sys.executable).with_name("keyfilters")), "status"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "table7" in done.stdout
    assert "failed" in done.stdout


def test_the_log_of_a_training_tells_epoch_accuracy_rate_and_time_left(tmp_path, capsys):
    job = training_job(tmp_path)
    train(job.description, tmp_path, threads=1)
    line = capsys.readouterr().err.splitlines()[0]
    for part in ("epoch 1/2", "training accuracy ", "images/s", " left"):
        assert part in line


def test_figures_of_filters_and_what_they_rest_on_are_found(tmp_path):
    config = configuration(targets=1, sources=1)
    config["studies"]["tiny"] |= {
        "zoo": {"trained": ["set00"]},
        "analysis": {"sets": {"conv_3x3": {}}},
        "tables": {"filterdb_fig8": {}},
    }
    study = check(config).current
    figure = jobs.tables(study)["filterdb_fig8"]
    rested_on = [job for job in identity.walk([figure]) if job.stage in jobs.KEYED]
    assert {"extract", "moments", "basis", "histograms", "layers"} <= {job.stage for job in rested_on}
    for job in rested_on:
        write_text(tmp_path / "artifacts/tiny" / job.folder / "manifest.json", "{}")
    by_name = states("filterdb_fig8", figure, files(tmp_path))
    assert {name for name, now in by_name.items() if now.state == "waiting"} == {"filterdb_fig8", "conv_3x3"}
    for name, job in {"filterdb_fig8": figure, "conv_3x3": next(iter(figure.inputs.values()))}.items():
        records.record(paths.record(tmp_path / "results/tiny", job.stage, name), job.key, {})
    by_name = states("filterdb_fig8", figure, files(tmp_path))
    assert {now.state for now in by_name.values()} == {"done"}
