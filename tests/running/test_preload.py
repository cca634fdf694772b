"""Jobs that a preloaded process runs are jobs of their own, and where there is none a command goes on by itself."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from keyfilters.running import handover, preload

# Imported by the preloaded process, it stands for a module of the project and for the command line.
STUB = """
import os, signal, sys, time
import keyfilters.cli

loaded_by = os.getpid()
seen = []  # would be state of another job

def main():
    what = sys.argv[2]
    seen.append(what)
    if what == "tell":
        print(dict(seen=seen, pid=os.getpid(), loaded_by=loaded_by, session=os.getsid(0), folder=os.getcwd(),
                   mine=os.environ.get("TMPDIR"), preload=os.environ.get("KEYFILTERS_PRELOAD"),
                   umask=os.umask(0), arguments=sys.argv, files=sorted(map(int, os.listdir("/proc/self/fd")))))
        print("to stderr", file=sys.stderr)
    elif what == "threads":
        print(os.listdir(f"/proc/{loaded_by}/task"))
    elif what == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif what == "raise":
        raise LookupError("not there")
    elif what == "exit":
        sys.exit(7)
    elif what == "wait":
        signal.signal(signal.SIGTERM, lambda *_: (print("checkpoint written"), sys.exit(3)))
        print("ready", os.getpid(), flush=True)
        time.sleep(60)

keyfilters.cli.main = main
"""

COMMAND = "import sys; from keyfilters.running.handover import hand_over; hand_over(sys.argv[1:]); print('by itself')"
PATIENCE = 60  # seconds, for what comes at once on a machine that has nothing else to do


def start():
    """Start preloaded processes, whose environment is `environment()`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTEST_CURRENT_TEST")
        preload.start()


def environment():
    """This one's, without what pytest sets anew for each part of a test."""
    return {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}


def command(*arguments, env=None, **options):
    """A command that may hand its arguments over, with pipes."""
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments],
        env=env or environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def run(*arguments, **options):
    """Status, output and errors of a command."""
    process = command(*arguments, **options)
    out, errors = process.communicate(timeout=PATIENCE)
    return process.returncode, out, errors


def eventually(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def stub(tmp_path, monkeypatch):
    """Preloaded processes will have the stub alone, and the environment of jobs of one thread."""
    (tmp_path / "stub_of_preload.py").write_text(STUB)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]))
    monkeypatch.setattr(preload, "FAMILIES", {("cell", "layers"): ("stub_of_preload",)})
    monkeypatch.setattr(preload, "servers", [])
    for name, value in {**preload.ONE_THREAD, preload.VARIABLE: ""}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def started(stub):
    """The folder of a preloaded process that has been started."""
    start()
    folder = Path(os.environ[preload.VARIABLE])
    yield folder
    for server in preload.servers:
        server.stdin.close()
        assert server.wait(PATIENCE) == 0
    shutil.rmtree(folder, ignore_errors=True)  # a killed one leaves it


def test_a_job_is_a_process_of_its_own_and_sees_nothing_of_another(started, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    reports = []
    for subcommand in ("cell", "layers"):
        status, out, errors = run(subcommand, "tell", "{}", cwd=tmp_path, umask=0o27)
        assert (status, errors) == (0, "to stderr\n")
        reports.append(eval(out))
    assert reports[0]["loaded_by"] == reports[1]["loaded_by"] == preload.servers[0].pid
    assert len({reports[0]["pid"], reports[1]["pid"], preload.servers[0].pid}) == 3
    for report, subcommand in zip(reports, ("cell", "layers"), strict=True):
        assert report["seen"] == ["tell"]
        assert report["session"] == report["pid"]
        assert (report["folder"], report["mine"], report["preload"]) == (str(tmp_path), str(tmp_path), None)
        assert report["umask"] == 0o27
        assert report["arguments"] == ["keyfilters", subcommand, "tell", "{}"]


def test_a_long_description_arrives_whole(started):
    description = json.dumps({"name": "x" * 100_000})
    _, out, _ = run("cell", "tell", description)
    assert eval(out)["arguments"][-1] == description


def test_only_the_user_reaches_it_and_nothing_is_left(stub):
    start()
    folder = Path(os.environ[preload.VARIABLE])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    preload.servers[0].stdin.close()
    assert preload.servers[0].wait(PATIENCE) == 0
    assert not folder.exists()
    assert run("cell", "tell") == (0, "by itself\n", "")


@pytest.mark.parametrize(
    ("what", "status", "error"),
    [("exit", 7, ""), ("crash", -signal.SIGSEGV, ""), ("raise", 1, "LookupError: not there")],
)
def test_a_job_that_fails_ends_its_command_alike_and_no_other_one(started, what, status, error):
    other = command("cell", "wait")
    assert other.stdout.readline().startswith("ready")
    exit_status, out, errors = run("cell", what)
    assert (exit_status, out) == (status, "")
    assert error in errors
    assert other.poll() is None
    other.terminate()
    assert other.communicate(timeout=PATIENCE) == ("checkpoint written\n", "")
    assert run("cell", "exit")[0] == 7


def test_a_signal_reaches_the_job(started):
    process = command("cell", "wait")
    assert process.stdout.readline().startswith("ready")
    process.terminate()
    assert process.communicate(timeout=PATIENCE) == ("checkpoint written\n", "")
    assert process.returncode == 3


def test_a_job_without_a_handler_dies_of_a_signal_and_so_does_its_command(started):
    process = command("cell", "wait")
    job = int(process.stdout.readline().split()[1])
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGHUP
    assert not is_running(job)


def test_the_job_of_a_killed_command_is_killed(started):
    process = command("cell", "wait")
    job = int(process.stdout.readline().split()[1])
    process.kill()
    process.communicate(timeout=PATIENCE)
    eventually(lambda: not is_running(job))
    assert run("cell", "exit")[0] == 7


def test_jobs_die_with_the_preloaded_process_and_their_commands_say_so(started):
    process = command("cell", "wait")
    job = int(process.stdout.readline().split()[1])
    preload.servers.pop().kill()
    _, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors) == (1, "keyfilters: the preloaded process of this job was killed; run again\n")
    eventually(lambda: not is_running(job))
    assert run("cell", "tell") == (0, "by itself\n", "")


def test_it_ends_with_the_process_that_started_it_after_its_jobs(stub):
    program = (
        "import time; from keyfilters.running import preload; "
        "preload.FAMILIES = {('cell',): ('stub_of_preload',)}; preload.start(); "
        "print(preload.os.environ[preload.VARIABLE], preload.servers[0].pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], env=environment(), stdout=subprocess.PIPE, text=True
    ) as parent:
        folder, server = parent.stdout.readline().split()
        process = command("cell", "wait", env=environment() | {preload.VARIABLE: folder})
        assert process.stdout.readline().startswith("ready")
        parent.kill()
    eventually(lambda: not Path(folder).exists())
    assert is_running(server)
    assert process.poll() is None
    process.terminate()
    assert process.communicate(timeout=PATIENCE) == ("checkpoint written\n", "")
    eventually(lambda: not is_running(server))


def test_two_that_started_some_do_not_meet(started, monkeypatch):
    monkeypatch.setattr(preload, "servers", [])
    start()
    other = Path(os.environ[preload.VARIABLE])
    assert other != started
    assert eval(run("cell", "tell")[1])["loaded_by"] == preload.servers[0].pid
    preload.servers[0].stdin.close()
    assert preload.servers[0].wait(PATIENCE) == 0
    monkeypatch.setenv(preload.VARIABLE, str(started))
    assert run("cell", "exit")[0] == 7


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "LD_LIBRARY_PATH", "PATH"])
def test_a_command_from_another_environment_goes_on_by_itself(started, name):
    other = environment() | {name: os.environ.get(name, "") + ":2"}
    assert run("cell", "exit", env=other) == (0, "by itself\n", "")


def test_other_subcommands_and_other_places_go_on_by_themselves(started, monkeypatch):
    assert run("prepare", "exit") == (0, "by itself\n", "")
    assert run() == (0, "by itself\n", "")
    monkeypatch.setenv(preload.VARIABLE, "/nowhere")
    assert run("cell", "exit") == (0, "by itself\n", "")
    monkeypatch.delenv(preload.VARIABLE)
    assert run("cell", "exit") == (0, "by itself\n", "")


def test_where_its_modules_cannot_be_imported_commands_go_on_by_themselves(stub, monkeypatch):
    monkeypatch.setattr(preload, "FAMILIES", {("cell",): ("no_such_module",)})
    start()
    assert [run("cell", "exit") for _ in range(2)] == [(0, "by itself\n", "")] * 2
    assert preload.servers[0].wait(PATIENCE) == 1


def test_a_request_that_is_none_harms_nobody(started):
    with handover.socket.socket(handover.socket.AF_UNIX) as connection:
        connection.connect(str(started / "cell"))
        connection.sendall(b"GET / HTTP/1.1")
        connection.shutdown(handover.socket.SHUT_WR)
        assert connection.recv(1) == b""
    assert run("cell", "exit")[0] == 7


@pytest.mark.parametrize("modules", preload.FAMILIES.values(), ids=lambda modules: modules[0])
def test_imports_start_no_thread_but_the_allocators(modules):
    """A fork has the thread alone that made it; jemalloc, which Arrow brings, makes its own anew."""
    program = (
        "import importlib, os, sys; [importlib.import_module(name) for name in sys.argv[1:]]; "
        "print({open(f'/proc/self/task/{task}/comm').read().strip() for task in os.listdir('/proc/self/task')})"
    )
    one_thread = {**os.environ, **preload.ONE_THREAD}
    threads = eval(subprocess.check_output([sys.executable, "-c", program, *modules], env=one_thread, text=True))
    assert len(threads - {"jemalloc_bg_thd"}) == 1


def test_the_subcommands_exist():
    from keyfilters.cli import parser

    known = parser()._subparsers._group_actions[0].choices
    assert {name for family in preload.FAMILIES for name in family} <= known.keys()
