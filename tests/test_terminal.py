"""What a terminal shows while Snakemake runs, and what a log gets instead."""

import io
import logging
import re
import sys
from types import SimpleNamespace

import pytest
from rich.console import Console
from snakemake_interface_logger_plugins.common import LogEvent

import snakemake_logger_plugin_keyfilters as plugin
from keyfilters.planning.remaining import Recorded, Run
from keyfilters.running import progress
from keyfilters.running.progress import Progress
from keyfilters.store.files import write_text
from keyfilters.store.identity import Job
from tests.helpers.stubs import run_record


@pytest.fixture
def handler(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    log_handler = plugin.LogHandler(SimpleNamespace(dryrun=False), None)
    log_handler.console = Console(file=io.StringIO(), width=100)
    yield log_handler
    log_handler.close()


def send(handler, event, message="", level=logging.INFO, **fields):
    fields = {"log": []} | fields if event == LogEvent.JOB_ERROR else fields
    record = logging.LogRecord("snakemake", level, "", 0, message, None, None)
    record.__dict__.update(event=event, **fields)
    handler.emit(record)


def job(handler, jobid, rule, log):
    fields = {"rule_name": rule, "wildcards": {"artifact": f"job{jobid}"}, "log": [str(log)]}
    send(handler, LogEvent.JOB_INFO, jobid=jobid, **fields)


def shown(handler):
    console = Console(width=100)
    with console.capture() as capture:
        console.print(handler.picture())
    return capture.get()


def test_bars_count_jobs_by_rule_and_lines_follow_the_logs(handler, tmp_path):
    log = tmp_path / "job1.log"
    log.write_text("signs: epoch 1/3, loss 1.2, 2,000 images/s, 0:00:09 left\nsigns: epoch 2/3, loss 1.1\n")
    send(handler, LogEvent.RUN_INFO, stats={"train": 2, "transfer": 5, "all": 1, "total": 8})
    job(handler, 1, "train", log)
    job(handler, 2, "transfer", tmp_path / "not yet.log")
    picture = shown(handler)
    assert "train" in picture
    assert "0/2" in picture
    assert "0/5" in picture
    assert "signs: epoch 2/3, loss 1.1" in picture
    assert "epoch 1/3" not in picture
    assert "transfer job2" in picture
    send(handler, LogEvent.JOB_FINISHED, job_id=1)
    picture = shown(handler)
    assert "1/2" in picture
    assert "epoch 2/3" not in picture


def test_errors_and_warnings_are_printed(handler):
    send(handler, LogEvent.RUN_INFO, stats={"train": 1})
    send(handler, LogEvent.JOB_ERROR, "Error in rule train", level=logging.ERROR, jobid=1)
    send(handler, None, "Disk is almost full", level=logging.WARNING)
    send(handler, None, "Select jobs to execute...")
    printed = handler.console.file.getvalue()
    assert "Error in rule train" in printed
    assert "Disk is almost full" in printed
    assert "Select jobs" not in printed


def following(tmp_path, slots, cost):
    """Three trainings and a cell, numbered as Snakemake does, of which the first training's `cost` is recorded."""
    every = {number: Job("train", f"job{number}", {}) for number in (1, 2, 3)} | {4: Job("cell", "cell", {})}
    run_record(tmp_path, every[1].folder, seconds=cost)
    run = Run(every, {}, Recorded(every.values(), tmp_path, tmp_path / "results/mini"))
    return plugin.Following("mini", tmp_path / "results/mini", run, slots)


def test_one_line_says_how_far_the_whole_is_and_what_is_left(handler, tmp_path):
    handler.follow(following(tmp_path, [({1, 2, 3, 4}, 2)], cost=3600))
    send(handler, LogEvent.RUN_INFO, stats={"train": 3, "table7": 1, "fig2a": 1, "all": 1, "all_train": 1})
    whole, *bars = shown(handler).splitlines()
    assert whole.startswith("mini: 0 of 5 jobs, ")
    assert whole.strip().endswith(" so far, at least 90 min left, beside 1 job of unknown cost")
    assert [bar.split()[0] for bar in bars] == ["train", "tables"]
    assert bars[1].startswith("tables and figures")
    assert bars[1].strip().endswith("0/2")


def test_without_slots_as_many_jobs_count_as_were_seen_at_a_time(handler, tmp_path):
    handler.follow(following(tmp_path, [], cost=3600))
    send(handler, LogEvent.RUN_INFO, stats={"train": 3, "cell": 1})
    assert "at least 3 h 0 min left" in shown(handler)
    for number in (1, 2, 3):  # the third is in a queue: it has no log
        job(handler, number, "train", tmp_path / f"{number}.log")
        if number < 3:
            (tmp_path / f"{number}.log").touch()
    handler.estimate = None
    assert "at least 90 min left" in shown(handler)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_run_ends_with_what_was_made_how_long_it_took_and_where_to_look(monkeypatch, tmp_path, capsys, terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    handler = plugin.LogHandler(SimpleNamespace(dryrun=False), None)
    handler.setFormatter(logging.Formatter())
    handler.follow(following(tmp_path, [], cost=1))
    send(handler, LogEvent.RUN_INFO, stats={"train": 2, "cell": 1})
    log = tmp_path / "2.log"
    log.write_text("keyfilters train: no room\n")
    job(handler, 1, "train", tmp_path / "1.log")
    job(handler, 2, "train", log)
    send(handler, LogEvent.JOB_FINISHED, job_id=1)
    send(handler, LogEvent.JOB_ERROR, "", level=logging.ERROR, jobid=2, log=[str(log)])
    handler.close()
    handler.close()  # Python closes all handlers once more at its end
    lines = capsys.readouterr().err.splitlines()[-4:]
    assert re.search(r"mini: 1 of 3 jobs done in \d+:\d\d:\d\d \(1 train\)$", lines[0])
    assert lines[1] == f"results: {tmp_path}/results/mini, on one page: make page STUDY=mini"
    assert lines[2] == f"failed: {log}: keyfilters train: no room"
    assert lines[3] == "what is done stays; run the same again to go on"


def test_a_job_that_fails_and_then_ends_well_did_not_fail(handler, tmp_path):
    now = following(tmp_path, [], cost=1)
    page = now.results / "README.md"
    write_text(page, "the page")
    send(handler, LogEvent.RUN_INFO, stats={"train": 1})
    job(handler, 1, "train", tmp_path / "1.log")
    send(handler, LogEvent.JOB_ERROR, "", level=logging.ERROR, jobid=1, log=["1.log"])
    job(handler, 1, "train", tmp_path / "1.log")
    send(handler, LogEvent.JOB_FINISHED, job_id=1)
    first, *others = plugin.summary(handler, now)
    assert first.startswith("mini: 1 of 1 jobs done in ")
    assert others == [f"results: {page}"]


def test_more_running_jobs_than_the_terminal_has_lines_are_counted(handler, tmp_path):
    send(handler, LogEvent.RUN_INFO, stats={"train": 100, "prepare": 0})
    for number in range(100):
        job(handler, number, "train", tmp_path / "none.log")
    console = Console(width=60, height=10)
    with console.capture() as capture:
        console.print(handler.picture())
    lines = capture.get().splitlines()
    assert len(lines) == 9
    assert lines[1].startswith("train ")
    assert lines[-1].strip() == "and 94 more"


@pytest.mark.parametrize(("terminal", "dryrun"), [(False, False), (True, True)])
def test_elsewhere_snakemake_writes_its_own_lines(monkeypatch, terminal, dryrun):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    assert not plugin.LogHandler(SimpleNamespace(dryrun=dryrun), None).writes_to_stream


def test_a_training_in_a_terminal_shows_a_bar(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with Progress("signs-seed0", epochs=2, images=10) as training:
        for _ in range(2):
            training.advance(10)
            training.tell(loss=1.0, accuracy=0.5)
    printed = capsys.readouterr().err
    assert "signs-seed0" in printed
    assert "epoch 2/2" in printed
    assert "images/s" in printed


@pytest.mark.parametrize(
    ("count", "total", "rate", "text"),
    [
        (30_000_000, 120_000_000, 3_000_000, "30.0 of 120.0 MB, 3.0 MB/s, 0:00:30 left"),
        (30_000_000, None, 3_000_000, "30.0 MB, 3.0 MB/s"),
        (130_000_000, 120_000_000, 13_000_000, "130.0 of 120.0 MB, 13.0 MB/s, 0:00:00 left"),
    ],
)
def test_a_download_says_bytes_rate_and_time_left(count, total, rate, text):
    assert progress.download_line(count, total, rate) == text


def test_the_log_of_a_download_has_a_line_every_few_seconds_at_most(monkeypatch, capsys):
    now = iter([0.0, 3.0, 6.0, 7.0, 12.0, 14.0])  # when it begins, at each block, at its end
    monkeypatch.setattr(progress.time, "perf_counter", lambda: next(now))
    with progress.Download("signs.tgz", 60_000_000) as download:
        for _ in range(4):
            download.advance(15_000_000)
    assert capsys.readouterr().err.splitlines() == [
        "signs.tgz: 30.0 of 60.0 MB, 5.0 MB/s, 0:00:06 left",  # since the first block, which came after 3 s
        "signs.tgz: 60.0 of 60.0 MB, 5.0 MB/s, 0:00:00 left",
        "signs.tgz: 60.0 MB in 0:00:14",
    ]


def test_a_download_in_a_terminal_shows_a_bar(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress.Download("signs.tgz", 2_000_000) as download:
        download.advance(1_000_000)
        download.reach(2_000_000)
    printed = capsys.readouterr().err
    assert "signs.tgz" in printed
    assert "2.0/2.0 MB" in printed


def test_a_download_that_fails_does_not_say_that_it_ended(capsys):
    with pytest.raises(OSError, match="gone"), progress.Download("signs.tgz", None):
        raise OSError("gone")
    assert capsys.readouterr().err == ""
