"""Files that package registries carry: fetched by the registry's own client, pinned by digest."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock
from platformdirs import user_cache_path

from keyfilters.artifacts import sha256
from keyfilters.errors import KeyfiltersError


@dataclass(frozen=True)
class Package:
    """One file of one version of a package; a PyPI file is a wheel."""

    registry: Literal["npm", "pypi"]
    name: str
    version: str
    file: str
    sha256: str

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
                fetched = _run_client(package, Path(download))
                _check(package, fetched)
                fetched.replace(path)
    return path


def _check(package: Package, path: Path) -> None:
    found = sha256(path)
    if found != package.sha256:
        path.unlink()
        raise KeyfiltersError(
            f"{package}: {package.file} has sha256 {found}, expected {package.sha256}; "
            "the file was removed, run again to fetch it, and check the registry if it differs again"
        )


def _run_client(package: Package, folder: Path) -> Path:
    """Path of the package's file, which npm or pip puts into `folder`."""
    command = _npm_pack(package) if package.registry == "npm" else _pip_download(package)
    print(f"fetching {package}", file=sys.stderr, flush=True)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    path = folder / package.file
    if done.returncode or not path.exists():
        raise KeyfiltersError(
            f"{package}: not in the cache, and `{shlex.join(command)}` did not fetch {package.file} "
            f"({_reason(done)}); connect to the registry, or put the file into {folder.parent}"
        )
    return path


def _npm_pack(package: Package) -> list[str]:
    npm = shutil.which("npm")
    if npm is None:
        install = "install Node.js with npm (Debian: `apt install npm`)"
        raise KeyfiltersError(f"{package}: npm is not on PATH; {install}")
    return [npm, "pack", f"{package.name}@{package.version}", "--ignore-scripts", "--json"]


def _pip_download(package: Package) -> list[str]:
    # Wheels only: a source package would run its own build script here.
    options = ["--no-deps", "--only-binary", ":all:", "--disable-pip-version-check"]
    return [sys.executable, "-m", "pip", "download", *options, f"{package.name}=={package.version}"]


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """The last line of what the client wrote; of npm, whose last lines name its log, the summary."""
    try:
        output = json.loads(done.stdout)["error"]["summary"]
    except (ValueError, KeyError, TypeError):
        output = done.stdout + done.stderr
    lines = output.strip().splitlines()
    return lines[-1] if lines else "no output"
