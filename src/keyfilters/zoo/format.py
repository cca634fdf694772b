"""What there is to say of a weight format besides how a file of it is read: the `FORMAT` of every reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

HEAD = 4096
"""Bytes at the begin of a file that `recognises` is given."""


def _no_siblings(member: PurePosixPath) -> Callable[[str], bool]:
    return lambda name: False


def _nothing_listed(path: Path, part: str) -> list[str]:
    return []


def _one_part(path: Path) -> Sequence[str]:
    return ("",)


def _no_options(part: str) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class Format:
    """A format, for whoever looks for its files; a network in one is `read(path, **options(part))` of the reader.

    `extensions`: how the names of its files usually end.
    `recognises(path, head)`: whether the file, whose first bytes are `head`, is of this format, by its content as far
    as that tells. It never raises for what is in the file; one that is cut short may still be recognised.
    `siblings(member)`: whether a name is that of a file that belongs to the network in `member`, by its name alone.
    `listed(path, part)`: names, relative to the folder of the file, of the files that its content says belong to it;
    raises KeyfiltersError if they cannot be told.
    `parts(path)`: the networks in a file that holds several, as the column `part` of the table of models names them.
    `options(part)`: the arguments with which the reader reads one of them.
    """

    extensions: tuple[str, ...]
    recognises: Callable[[Path, bytes], bool]
    siblings: Callable[[PurePosixPath], Callable[[str], bool]] = _no_siblings
    listed: Callable[[Path, str], list[str]] = _nothing_listed
    parts: Callable[[Path], Sequence[str]] = _one_part
    options: Callable[[str], Mapping[str, Any]] = _no_options


def begins_with(*magic: bytes) -> Callable[[Path, bytes], bool]:
    """Recognises files by their first bytes."""
    return lambda path, head: head.startswith(magic)
