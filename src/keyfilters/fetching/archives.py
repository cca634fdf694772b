"""Members of tar and zip archives, read in place: only what is wanted is unpacked."""

from __future__ import annotations

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath
from typing import IO

from keyfilters.errors import KeyfiltersError

BLOCK = 1 << 20  # bytes
ZIP = b"PK\x03\x04"  # the first bytes of a zip archive

# RuntimeError: a zip that is encrypted, or of a version or a compression that is not known.
DAMAGE = (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, zlib.error, lzma.LZMAError, RuntimeError)


def members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Name and content of each wanted file of a tar (compressed or not), zip or wheel, in its order.

    Raises KeyfiltersError if the file is no archive or a damaged one, if the name of any entry leads
    out of the archive, or if a wanted entry is a link or a device.
    """
    with _damage_named(path):
        for name, file in _entries(path, wanted):
            yield name, file.read()


def unpack(path: Path, wanted: Callable[[str], bool], folder: Path, most: int) -> list[str]:
    """Write each wanted file of an archive below `folder`, under its name in the archive; returns the names.

    Raises KeyfiltersError as `members` does, or if these files together have more than `most` bytes, whatever
    sizes the archive tells.
    """
    names, left = [], most
    with _damage_named(path):
        for name, file in _entries(path, wanted):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as output:
                while block := file.read(min(BLOCK, left + 1)):
                    left -= output.write(block)
                    if left < 0:
                        raise KeyfiltersError(f"{path}: {name} unpacks to more than {most:,} bytes; do not use it")
            names.append(name)
    return names


def is_archive(path: Path) -> bool:
    """Whether a file is a tar (compressed or not), zip or wheel, by its content."""
    try:
        return _is_zip(path) or tarfile.is_tarfile(path)
    except DAMAGE:
        return False


def names(path: Path) -> list[str]:
    """The names of the plain files of an archive, in its order: links and devices are passed over.

    Raises KeyfiltersError if the file is no archive or a damaged one.
    """
    with _damage_named(path):
        if _is_zip(path):
            with zipfile.ZipFile(path) as archive:
                return [entry.filename for entry in archive.infolist() if not entry.is_dir() and _is_plain(entry)]
        with tarfile.open(path) as archive:
            return [entry.name for entry in archive if entry.isreg()]


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(ZIP)) == ZIP


def _is_plain(entry: zipfile.ZipInfo) -> bool:
    return stat.S_IFMT(entry.external_attr >> 16) in (0, stat.S_IFREG)  # 0 where the writer was no Unix


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except DAMAGE as error:
        raise KeyfiltersError(f"{path}: not a readable archive ({error}); fetch it again") from error


def _entries(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, IO[bytes]]]:
    return (_zip_entries if _is_zip(path) else _tar_entries)(path, wanted)


def _tar_entries(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(path) as archive:
        for entry in archive:
            _check_name(path, entry.name)
            if not entry.isdir() and wanted(entry.name):
                _check_kind(path, entry.name, entry.isreg())
                with archive.extractfile(entry) as file:
                    yield entry.name, file


def _zip_entries(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            _check_name(path, entry.filename)
            if not entry.is_dir() and wanted(entry.filename):
                _check_kind(path, entry.filename, _is_plain(entry))
                with archive.open(entry) as file:
                    yield entry.filename, file


def _check_name(path: Path, name: str) -> None:
    parts = PureWindowsPath(name)  # it knows both separators, and drives
    if parts.anchor or ".." in parts.parts:
        raise KeyfiltersError(f"{path}: the entry {name!r} leads out of the archive; do not use this file")


def _check_kind(path: Path, name: str, regular: bool) -> None:
    if not regular:
        raise KeyfiltersError(f"{path}: the entry {name!r} is a link or a device; pack plain files only")
