"""Files that people ask for by a readable path, such as `results/mini/tables/table2.csv`.

Their path says nothing about what they were made from, so a record beside them does: the key of their
job and the digest of every file. A file whose record does not fit the present study is stale.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keyfilters.store.files import read_json, sha256, write_text

ALWAYS_NEW = "/proc/self"  # a folder that has just been changed, whenever one looks


def record(path: Path, key: str, content: Mapping[str, Any], files: Sequence[Path] = ()) -> None:
    """Write the JSON record at `path`, last of all: `content`, the job's `key`, the digests of `files`."""
    digests = {file.name: sha256(file) for file in files}
    text = json.dumps({"key": key, "files": digests, **content}, indent=1, ensure_ascii=False)
    write_text(path, text + "\n")


def load(path: Path) -> dict[str, Any]:
    """The record at `path`. Raises OSError or ValueError if it cannot be read or is none."""
    content = read_json(path)
    if not isinstance(content.get("key"), str) or not isinstance(content.get("files"), dict):
        raise ValueError("no record: it names no key, or no files")
    return content


def is_fresh(path: Path, key: str) -> bool:
    """Whether the record at `path` names this key, and every file is as it was when it was recorded."""
    try:
        record = load(path)
        return record["key"] == key and all(
            sha256(path.with_name(name)) == digest for name, digest in record["files"].items()
        )
    except (OSError, ValueError, KeyError):
        return False
