"""Members of tar and zip archives, read in place: nothing is unpacked to disk."""

from __future__ import annotations

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PureWindowsPath

from keyfilters.errors import KeyfiltersError

DAMAGE = (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, zlib.error, lzma.LZMAError)


def members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Name and content of each wanted file of a tar (compressed or not), zip or wheel, in its order.

    Raises KeyfiltersError if the file is no archive or a damaged one, if the name of any entry leads
    out of the archive, or if a wanted entry is a link or a device.
    """
    try:
        with path.open("rb") as file:
            is_zip = file.read(4) == b"PK\x03\x04"
        yield from (_zip_members if is_zip else _tar_members)(path, wanted)
    except DAMAGE as error:
        raise KeyfiltersError(f"{path}: not a readable archive ({error}); fetch it again") from error


def _tar_members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path) as archive:
        for entry in archive:
            _check_name(path, entry.name)
            if not entry.isdir() and wanted(entry.name):
                _check_kind(path, entry.name, entry.isreg())
                yield entry.name, archive.extractfile(entry).read()


def _zip_members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            _check_name(path, entry.filename)
            if not entry.is_dir() and wanted(entry.filename):
                kind = stat.S_IFMT(entry.external_attr >> 16)  # 0 where the writer was no Unix
                _check_kind(path, entry.filename, kind in (0, stat.S_IFREG))
                yield entry.filename, archive.read(entry)


def _check_name(path: Path, name: str) -> None:
    parts = PureWindowsPath(name)  # it knows both separators, and drives
    if parts.anchor or ".." in parts.parts:
        raise KeyfiltersError(f"{path}: the entry {name!r} leads out of the archive; do not use this file")


def _check_kind(path: Path, name: str, regular: bool) -> None:
    if not regular:
        raise KeyfiltersError(f"{path}: the entry {name!r} is a link or a device; pack plain files only")
