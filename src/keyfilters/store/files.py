"""Small files written whole or not at all, and digests of files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def write_text(path: Path, text: str) -> None:
    """Write a small file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text)
    partial.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises OSError or ValueError if there is none."""
    content = json.loads(path.read_text())
    if not isinstance(content, dict):
        raise ValueError("no JSON object")
    return content


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
