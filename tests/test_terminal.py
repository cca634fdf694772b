"""What a terminal shows while Snakemake runs, and what a log gets instead."""

import io
import logging
import sys
from types import SimpleNamespace

import pytest
from rich.console import Console
from snakemake_interface_logger_plugins.common import LogEvent

import snakemake_logger_plugin_keyfilters as plugin
from keyfilters.running.progress import Progress


@pytest.fixture
def handler(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    made = plugin.LogHandler(SimpleNamespace(dryrun=False), None)
    made.console = Console(file=io.StringIO(), width=100)
    yield made
    made.close()


def send(handler, event, message="", level=logging.INFO, **fields):
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


@pytest.mark.parametrize(("terminal", "dryrun"), [(False, False), (True, True)])
def test_elsewhere_snakemake_writes_its_own_lines(monkeypatch, terminal, dryrun):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    assert not plugin.LogHandler(SimpleNamespace(dryrun=dryrun), None).writes_to_stream


def test_a_training_in_a_terminal_shows_a_bar(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with Progress("signs-seed0", epochs=2, images=10) as progress:
        for _ in range(2):
            progress.advance(10)
            progress.tell(loss=1.0, accuracy=0.5)
    printed = capsys.readouterr().err
    assert "signs-seed0" in printed
    assert "epoch 2/2" in printed
    assert "images/s" in printed
