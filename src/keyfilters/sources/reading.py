"""What reads a set, and the checked file or folder that it reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from keyfilters.sources.image import SourceImage


class Reader(Protocol):
    """A module or an object that reads a set; `SPLITS` where sides are official parts with names of their own."""

    TITLE: str | None
    DOMAIN: str
    LICENCE: str
    FIT: Literal["crop", "pad"]  # how an image becomes square

    def read(self, path: Path) -> Iterator[SourceImage]: ...


@dataclass(frozen=True)
class Opened:
    """A reader, the `path` that it reads, and `facts` that a prepared set records beside the reader's own."""

    reader: Reader
    path: Path
    facts: Mapping[str, Any] = field(default_factory=dict)
