"""Remotes of the kinds that people use, each a server on loopback that the test starts and stops."""

import getpass
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.helpers.versioned import Versioned

SBIN = f"{os.environ['PATH']}:/usr/sbin"  # where Debian has sshd, which is in nobody's PATH


@pytest.fixture
def sender(recorded, tmp_path) -> Versioned:
    """The recorded study with its cache, to be pushed elsewhere."""
    return Versioned(Path(shutil.copytree(recorded.folder, tmp_path / "sender", symlinks=True)))


def use(study: Versioned, url: str, **options: str) -> None:
    """Make `url` the study's remote, for this copy alone."""
    study.run("dvc", "remote", "add", "--local", "--force", "--default", "shared", url)
    for name, value in options.items():
        study.run("dvc", "remote", "modify", "--local", "shared", name, value)


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def installed(program: str, package: str, module: str) -> str:
    """The path of a server's program; skips the test if it, or DVC's client for it, is absent."""
    pytest.importorskip(module)
    return shutil.which(program, path=SBIN) or pytest.skip(f"no {program}; on Debian: apt install {package}")


@contextmanager
def serving(port: int, *command: str):
    """Runs a server until the block ends."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 20
        while True:
            assert server.poll() is None, server.stderr.read()
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < end, f"{command[0]} does not listen"
                time.sleep(0.05)
        yield
    finally:
        server.terminate()
        server.communicate()


@pytest.fixture
def ssh(tmp_path):
    program, folder, port = installed("sshd", "openssh-server", "dvc_ssh"), tmp_path / "ssh", free_port()
    (folder / "store").mkdir(parents=True)
    for name in ("host", "user"):
        key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(key, check=True)
    (folder / "config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\n"
        "PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nSubsystem sftp internal-sftp\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # what the service makes when it starts
    with serving(port, program, "-D", "-e", "-f", str(folder / "config")):
        options = {"user": getpass.getuser(), "keyfile": str(folder / "user")}
        yield f"ssh://127.0.0.1:{port}{folder}/store", options


@pytest.fixture
def webdav(tmp_path):
    program, folder, port = installed("rclone", "rclone", "dvc_webdav"), tmp_path / "webdav", free_port()
    (folder / "store").mkdir(parents=True)  # DVC does not make the remote's own folder
    options = {"user": "someone", "password": "secret"}
    login = ["--user", options["user"], "--pass", options["password"]]
    with serving(port, program, "serve", "webdav", str(folder), "--addr", f"127.0.0.1:{port}", *login):
        yield f"webdav://127.0.0.1:{port}/store", options


def nothing_is_missing(clone: Versioned) -> None:
    """Pulls; nothing may be planned then, whatever the times, and all must be as it was recorded."""
    clone.run("dvc", "pull", "--quiet")
    clone.forget_times(0)
    assert clone.plan("all", "all_prepare", "all_train", "all_transfer") == {}
    clone.run("keyfilters", "verify")


@pytest.mark.parametrize("kind", ["ssh", "webdav"])
def test_what_is_pushed_is_pulled_elsewhere(sender, tmp_path, request, kind):
    url, options = request.getfixturevalue(kind)
    use(sender, url, **options)
    sender.run("dvc", "push", "--quiet")
    clone = sender.clone(tmp_path / "clone")
    use(clone, url, **options)
    nothing_is_missing(clone)


@pytest.mark.parametrize("kind", ["ssh", "webdav"])
def test_our_own_pull_fetches_from_them(sender, clone, request, kind):
    url, options = request.getfixturevalue(kind)
    use(sender, url, **options)
    sender.run("dvc", "push", "--quiet")
    use(clone, url, **options)
    assert (
        clone.run("keyfilters", "pull").stdout.count("pulled: ") == len(sender.trained()) + 4
    )  # three sets and an extraction


def test_a_folder_behind_a_web_server_is_read(sender, clone, tmp_path):
    pytest.importorskip("dvc_http")
    store, port = tmp_path / "store", free_port()
    use(sender, str(store))
    sender.run("dvc", "push", "--quiet")
    use(clone, f"http://127.0.0.1:{port}")
    web = (sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(store))
    with serving(port, *web):
        nothing_is_missing(clone)


def everything(study: Versioned) -> dict[str, bytes]:
    """Every artifact and result, by path."""
    return {
        str(path): path.read_bytes()
        for top in (study.artifacts, study.results)
        for path in top.rglob("*")
        if path.is_file()
    }


@pytest.mark.fault("pull", "a remote that does not answer", "one line names it")
@pytest.mark.parametrize("kind", ["ssh", "webdav", "http"])
def test_a_remote_that_does_not_answer(sender, clone, kind):
    pytest.importorskip(f"dvc_{kind}")
    url = f"{kind}://127.0.0.1:{free_port()}/store"
    clone.run("dvc", "pull", "--quiet", "sets")
    for study in (sender, clone):
        use(study, url)
        before = everything(study)
        done = study.run("dvc", "push" if study is sender else "pull", check=False)
        assert done.returncode != 0
        assert "ERROR: " in done.stderr
        assert "Traceback" not in done.stderr
        assert everything(study) == before
    done = clone.run("keyfilters", "pull", check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("keyfilters pull: dvc pull failed: ")
    assert done.stderr.count("\n") == 1
    assert "Connect" in done.stderr or "cannot be fetched" in done.stderr, done.stderr
    assert everything(clone) == before


class Full(BaseHTTPRequestHandler):
    """A WebDAV server with no room left."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
            self.rfile.readline()
        self.send_response({"MKCOL": 201, "PUT": 507}.get(self.command, 404))
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_PROPFIND = do_HEAD = do_GET = do_MKCOL = do_PUT = do_DELETE = answer

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def full_webdav():
    pytest.importorskip("dvc_webdav")
    with ThreadingHTTPServer(("127.0.0.1", 0), Full) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"webdav://127.0.0.1:{server.server_port}/store"
        server.shutdown()


@pytest.fixture
def full_folder(tmp_path):
    folder = tmp_path / "full"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], capture_output=True).returncode:
        pytest.skip("may not mount a small file system here")
    yield str(folder)
    subprocess.run(["umount", folder], check=True)


@pytest.mark.fault("pull", "a remote that is full", "the push fails with the reason; what is here stays")
@pytest.mark.parametrize(
    ("kind", "reason"), [("full_webdav", "Insufficient Storage"), ("full_folder", "No space left on device")]
)
def test_a_remote_that_is_full(sender, request, kind, reason):
    use(sender, request.getfixturevalue(kind))
    before = everything(sender)
    done = sender.run("dvc", "push", check=False)
    assert done.returncode != 0
    assert reason in done.stderr
    assert "failed to push data to the cloud" in done.stderr
    assert everything(sender) == before
