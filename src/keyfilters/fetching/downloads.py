"""Files from an address, pinned by digest."""

from __future__ import annotations

import sys
import tempfile
import urllib.request
from pathlib import Path

from filelock import FileLock

from keyfilters.errors import KeyfiltersError
from keyfilters.running.progress import Download
from keyfilters.store.files import sha256

BLOCK = 1 << 16  # bytes


def fetch(address: str, digest: str, folder: Path) -> Path:
    """Path in `folder` of the file at `address`, fetched if it is not there; its SHA-256 is always checked.

    Processes that want the same file at the same time fetch it once. Raises KeyfiltersError if it cannot be fetched,
    or is not the pinned one.
    """
    path = folder / address.rpartition("/")[2]
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{path.name}.lock"):
            if not path.exists():
                _download(address, path)
    check(path, digest)
    return path


def check(path: Path, digest: str) -> None:
    """Raise KeyfiltersError unless the file at `path` is there with this SHA-256."""
    if not path.is_file():
        raise KeyfiltersError(f"{path}: no such file; put it there, or correct the setting that names it")
    actual = sha256(path)
    if actual != digest:
        raise KeyfiltersError(f"{path}: sha256 is {actual}, expected {digest}; put the right file there, or correct it")


def _download(address: str, path: Path) -> None:
    print(f"fetching {address}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        partial = Path(folder) / path.name
        try:
            with (
                urllib.request.urlopen(address, timeout=60) as source,
                partial.open("wb") as target,
                Download(path.name, int(source.headers.get("Content-Length", 0)) or None) as download,
            ):
                while block := source.read(BLOCK):
                    download.advance(target.write(block))
        except OSError as error:
            reason = " ".join(str(error).split())
            raise KeyfiltersError(
                f"{address}: cannot be fetched ({reason}); connect to the internet, or put the file into {path.parent}"
            ) from error
        partial.replace(path)
