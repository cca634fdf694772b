"""Fetching pinned package files, with the real npm and pip's settings, from registries that run on this machine."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from keyfilters.errors import KeyfiltersError
from keyfilters.fetching.packages import Package, _cached_by_npm, default_cache, fetch
from tests.helpers.tiny_files import pack

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
REGISTRIES = [pytest.param("npm", marks=needs_npm), "pypi"]
NOBODY = "http://127.0.0.1:9/"  # a port that refuses


class Registry:
    """A server that answers each path of `pages` and counts how often each is asked for."""

    def __init__(self):
        pages, asked = {}, Counter()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked[self.path] += 1
                kind, body = pages.get(self.path, ("text/plain", b""))
                self.send_response(200 if self.path in pages else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.pages, self.asked = pages, asked
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()

    def carry(self, package, path):
        """Offer the file at `path` as the file of `package`."""
        file = f"/files/{package.file}"
        self.pages[file] = ("application/octet-stream", path.read_bytes())
        if package.registry == "npm":
            version = {"name": package.name, "version": package.version}
            version["dist"] = {"tarball": self.url.rstrip("/") + file}
            page = {"name": package.name, "dist-tags": {}, "versions": {package.version: version}}
            url = "/" + package.name.replace("/", "%2f")
            self.pages[url] = ("application/json", json.dumps(page).encode())
        else:
            link = f'<!DOCTYPE html><a href="{file}">{package.file}</a>'
            self.pages[f"/simple/{package.name}/"] = ("text/html", link.encode())
        return file


def point_clients_at(url, monkeypatch, tmp_path):
    """npm and pip ask this registry alone, once, with none of the machine's settings."""
    for name in [name for name in os.environ if name.lower().startswith(("npm_config_", "pip_"))]:
        monkeypatch.delenv(name)
    settings = {
        "NO_PROXY": "127.0.0.1",
        "npm_config_registry": url,
        "npm_config_cache": str(tmp_path / "npm"),
        "npm_config_userconfig": str(tmp_path / "npmrc"),
        "npm_config_fetch_retries": "0",
        "PIP_INDEX_URL": f"{url}simple",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_CACHE_DIR": "1",
        "PIP_RETRIES": "0",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def registry(monkeypatch, tmp_path):
    registry = Registry()
    point_clients_at(registry.url, monkeypatch, tmp_path)
    yield registry
    registry.server.shutdown()
    registry.server.server_close()


@pytest.fixture
def published(tmp_path):
    """A real package of the registry `kind`: its pin and its file."""

    def publish(kind):
        if kind == "npm":
            name, file = "@pictures/one", "pictures-one-1.2.3.tgz"
            manifest = json.dumps({"name": name, "version": "1.2.3"}).encode()
            path = pack(tmp_path / file, {"package/package.json": manifest, "package/1.png": b"picture"})
        else:
            name, file = "pictures", "pictures-1.2.3-py3-none-any.whl"
            info = "pictures-1.2.3.dist-info"
            metadata = b"Metadata-Version: 2.1\nName: pictures\nVersion: 1.2.3\n"
            wheel = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            path = pack(tmp_path / file, {f"{info}/METADATA": metadata, f"{info}/WHEEL": wheel, f"{info}/RECORD": b""})
        return Package(kind, name, "1.2.3", file, hashlib.sha256(path.read_bytes()).hexdigest()), path

    return publish


def cached(cache):
    """Names of the files in the cache, locks aside."""
    return [path.name for path in (cache / "packages").iterdir() if path.suffix != ".lock"]


@pytest.mark.parametrize("kind", REGISTRIES)
def test_fetches_once_and_then_reads_the_cache(registry, published, tmp_path, kind):
    package, path = published(kind)
    file = registry.carry(package, path)
    path_in_cache = fetch(package, tmp_path / "cache")
    assert path_in_cache == tmp_path / "cache" / "packages" / package.file
    assert path_in_cache.read_bytes() == path.read_bytes()
    assert cached(tmp_path / "cache") == [package.file]

    asked = registry.asked.copy()
    assert asked[file] == 1
    assert fetch(package, tmp_path / "cache") == path_in_cache
    assert registry.asked == asked


@pytest.mark.fault(
    "fetch", "a package file of other bytes than the pinned ones", "one line names both digests; the file is not kept"
)
@pytest.mark.parametrize("kind", REGISTRIES)
def test_a_file_with_another_digest_is_not_kept(registry, published, tmp_path, kind):
    offered, path = published(kind)
    pinned = Package(kind, offered.name, "1.2.3", offered.file, "0" * 64)
    registry.carry(pinned, path)
    with pytest.raises(KeyfiltersError) as error:
        fetch(pinned, tmp_path / "cache")
    for part in (f"{kind} package {pinned.name} 1.2.3", pinned.sha256, offered.sha256):
        assert part in str(error.value)
    assert cached(tmp_path / "cache") == []


@pytest.mark.fault("fetch", "a package file in the cache is damaged", "it is removed, and the next call fetches it")
def test_a_damaged_file_in_the_cache_is_removed_and_can_be_fetched_again(registry, published, tmp_path):
    package, path = published("pypi")
    registry.carry(package, path)
    path_in_cache = fetch(package, tmp_path)
    path_in_cache.write_bytes(b"damaged")
    with pytest.raises(KeyfiltersError, match=package.sha256):
        fetch(package, tmp_path)
    assert cached(tmp_path) == []
    assert fetch(package, tmp_path).read_bytes() == path.read_bytes()


@pytest.mark.fault("fetch", "two processes fetch one package file at once", "it is fetched once, and both have it")
def test_two_at_a_time_fetch_once(registry, published, tmp_path):
    package, path = published("pypi")
    file = registry.carry(package, path)
    with ThreadPoolExecutor() as pool:
        files = list(pool.map(lambda _: fetch(package, tmp_path), range(2)))
    assert files == [tmp_path / "packages" / package.file] * 2
    assert registry.asked[file] == 1


@pytest.mark.fault("fetch", "no network", "one line names the package, what was asked and the reason")
@pytest.mark.parametrize(
    ("kind", "asked", "reason"),
    [
        pytest.param("npm", "npm pack @pictures/one@1.2.3", "ECONNREFUSED", marks=needs_npm),
        ("pypi", "port=9): Max retries exceeded with url: /simple/pictures/", "Connection refused"),
    ],
)
def test_offline_the_package_what_was_asked_and_the_reason_are_named(
    monkeypatch, published, tmp_path, kind, asked, reason
):
    point_clients_at(NOBODY, monkeypatch, tmp_path)
    package, _ = published(kind)
    with pytest.raises(KeyfiltersError) as error:
        fetch(package, tmp_path / "cache")
    for part in (f"{kind} package {package.name} 1.2.3", asked, reason, str(tmp_path / "cache")):
        assert part in str(error.value)
    assert "\n" not in str(error.value)
    assert cached(tmp_path / "cache") == []


def test_offline_a_cached_file_is_enough(monkeypatch, published, tmp_path):
    point_clients_at(NOBODY, monkeypatch, tmp_path)
    package, path = published("npm")
    (tmp_path / "packages").mkdir()
    shutil.copy(path, tmp_path / "packages")
    assert fetch(package, tmp_path) == tmp_path / "packages" / package.file


@pytest.mark.fault("fetch", "a machine without npm", "one line says what to install")
def test_without_npm_the_message_says_what_to_install(monkeypatch, published, tmp_path):
    package, _ = published("npm")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(KeyfiltersError, match=r"@pictures/one 1\.2\.3: npm is not on PATH; .* `apt install npm`"):
        fetch(package, tmp_path)


def test_the_default_cache_is_the_users(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere/cache")
    assert default_cache() == Path("/somewhere/cache/keyfilters")


def test_a_source_archive_is_fetched_without_a_run_of_its_build(registry, tmp_path):
    trap = tmp_path / "run"
    setup = f"open({str(trap)!r}, 'w')".encode()
    path = pack(tmp_path / "pictures-1.2.3.tgz", {"pictures-1.2.3/setup.py": setup})
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    package = Package("pypi", "pictures", "1.2.3", "pictures-1.2.3.tar.gz", digest)
    registry.carry(package, path)
    assert fetch(package, tmp_path / "cache").read_bytes() == path.read_bytes()
    assert not trap.exists()


def test_a_wheel_of_another_system_and_the_names_other_spelling_are_found(registry, published, tmp_path):
    _, path = published("pypi")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    file = "Pictures_Of-1.2.3-cp27-none-win32.whl"
    registry.carry(Package("pypi", "pictures-of", "1.2.3", file, digest), path)
    assert fetch(Package("pypi", "Pictures_Of", "1.2.3", file, digest), tmp_path / "cache").name == file


def test_pips_further_indexes_are_asked_too_those_on_disk_among_them(registry, published, tmp_path, monkeypatch):
    package, path = published("pypi")
    folder = tmp_path / "index/pictures"
    folder.mkdir(parents=True)
    shutil.copy(path, folder)
    (folder / "index.html").write_text(f'<a href="{path.name}#sha256=00">{path.name}</a>')
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"{registry.url}other {(tmp_path / 'index').as_uri()}")
    assert fetch(package, tmp_path / "cache").read_bytes() == path.read_bytes()
    assert registry.asked["/simple/pictures/"] == registry.asked["/other/pictures/"] == 1


def test_a_file_that_no_index_has_is_named_with_where_it_was_sought(registry, published, tmp_path):
    package, _ = published("pypi")
    with pytest.raises(KeyfiltersError, match=rf"{package.file}.*no such file in {registry.url}simple/pictures/"):
        fetch(package, tmp_path / "cache")


@pytest.mark.parametrize("kind", REGISTRIES)
def test_the_log_says_how_many_bytes_came(registry, published, tmp_path, capsys, kind):
    package, path = published(kind)
    registry.carry(package, path)
    fetch(package, tmp_path / "cache")
    began, *_, ended = capsys.readouterr().err.splitlines()
    assert began == f"fetching {package}: {package.file}"
    assert re.fullmatch(rf"{re.escape(package.file)}: {path.stat().st_size / 1e6:.1f} MB in \d+:\d\d:\d\d", ended)


def test_what_npm_writes_into_its_cache_is_seen_while_it_runs(tmp_path):
    """A process that holds open what npm would, and another file."""
    partial = tmp_path / "_cacache/tmp/36b99aea"
    partial.parent.mkdir(parents=True)
    write = "import sys, time; files = [open(path, 'wb', 0) for path in sys.argv[1:]]; files[0].write(bytes(1234))"
    write += "; files[1].write(bytes(99999)); print('written', flush=True); time.sleep(600)"
    command = [sys.executable, "-c", write, str(partial), str(tmp_path / "other")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            process.stdout.readline()
            assert _cached_by_npm(process.pid) == 1234
        finally:
            process.kill()
    assert _cached_by_npm(process.pid) == 0
