"""The networks in what a person names: a weight file, a folder or an archive, each recognised by its content."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from keyfilters.errors import KeyfiltersError
from keyfilters.fetching import archives
from keyfilters.zoo.format import HEAD
from keyfilters.zoo.network import Network
from keyfilters.zoo.readers import FORMATS, reader

MAX_BYTES = 8 << 30  # bytes that an archive may unpack to
LAST = ("torch",)  # asked when no other format recognises a file: loading the reader takes seconds


@dataclass(frozen=True)
class WeightFile:
    """A network in a file: `name` as it is shown, and how it is read; `part`: which of several in the file."""

    name: str
    path: Path
    format: str
    part: str = ""

    def read(self) -> Network:
        """The network. Raises KeyfiltersError if its reader refuses the file."""
        module = reader(self.format)
        return module.read(self.path, **module.FORMAT.options(self.part))


def format_of(path: Path) -> str | None:
    """The format that recognises the content of a file: of several the one that its extension is usual for."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        return None
    others = [format for format in FORMATS if format not in LAST]
    for formats in (others, LAST):
        recognising = [format for format in formats if reader(format).FORMAT.recognises(path, head)]
        if recognising:
            return next((format for format in recognising if _has_extension(path, format)), recognising[0])
    return None


@contextmanager
def weight_files(name: str) -> Iterator[list[WeightFile]]:
    """The networks in the file, folder or archive `name`, or in the file or folder `<archive>/<path in it>`.

    An archive is unpacked for as long as the context lasts. A file that no format recognises is read by its extension,
    so that the reader says what is wrong with it.

    Raises KeyfiltersError if there is no such file, or no network in it.
    """
    path, member = _split(Path(name))
    if not path.exists():
        raise KeyfiltersError(f"{name}: there is no such file")
    if path.is_dir():
        yield _not_empty(name, _of_folder(path))
    elif files := _of_file(path.name, path):
        yield _not_empty(name, [] if member else files)
    elif archives.is_archive(path):
        with TemporaryDirectory(prefix="keyfilters-") as folder:
            wanted = set(archives.names(path))
            archives.unpack(path, wanted.__contains__, Path(folder), MAX_BYTES)
            files = [file for file in _of_folder(Path(folder)) if member in ("", file.name, *_parents(file.name))]
            yield _not_empty(name, files)
    else:
        yield [WeightFile(path.name, path, _format_of_extension(path))]


def _split(path: Path) -> tuple[Path, str]:
    """A path that exists, or the archive on the way to it and the path therein."""
    if not path.exists():
        archive = next((parent for parent in path.parents if parent.exists()), path)
        if archive.is_file():
            return archive, path.relative_to(archive).as_posix()
    return path, ""


def _parents(name: str) -> list[str]:
    return [str(parent) for parent in PurePosixPath(name.partition("#")[0]).parents] + [name.partition("#")[0]]


def _of_file(name: str, path: Path) -> list[WeightFile]:
    format = format_of(path)
    if format is None:
        return []
    parts = reader(format).FORMAT.parts(path)
    return [WeightFile(f"{name}#{part}" if len(parts) > 1 else name, path, format, part) for part in parts]


def _of_folder(folder: Path) -> list[WeightFile]:
    """The networks in a folder and the folders in it, by path; a file that belongs to another one is no network."""
    by_name: dict[str, list[WeightFile]] = {}
    siblings: set[str] = set()
    listed: set[str] = set()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = _below(folder, path)
        if name in siblings or not (files := _of_file(name, path)):
            continue
        by_name[name] = files
        format = reader(files[0].format).FORMAT
        is_sibling = format.siblings(PurePosixPath(name))
        siblings |= {other for file in path.parent.iterdir() if is_sibling(other := _below(folder, file))}
        for file in files:
            listed |= {str(PurePosixPath(name).parent / other) for other in _listed(file)}
    return [file for name, files in by_name.items() if name not in listed for file in files]


def _below(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


def _listed(file: WeightFile) -> list[str]:
    try:
        return reader(file.format).FORMAT.listed(file.path, file.part)
    except KeyfiltersError:  # which reading the file says
        return []


def _has_extension(path: Path, format: str) -> bool:
    return path.name.lower().endswith(reader(format).FORMAT.extensions)


def _format_of_extension(path: Path) -> str:
    format = next((known for known in FORMATS if _has_extension(path, known)), None)
    if format is None:
        raise KeyfiltersError(f"{path}: its content is of no weight format that can be read: {', '.join(FORMATS)}")
    return format


def _not_empty(name: str, files: list[WeightFile]) -> list[WeightFile]:
    if not files:
        raise KeyfiltersError(f"{name}: no network in it, in any of the weight formats {', '.join(FORMATS)}")
    return files
