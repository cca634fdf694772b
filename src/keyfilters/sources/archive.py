"""A tar or zip of class folders, with the source's own split or without.

`<anything>/<train or test>/<class>/<file>` or `<anything>/<class>/<file>`, JPG and PNG.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from keyfilters.fetching.archives import members
from keyfilters.fetching.downloads import check as check_file
from keyfilters.sources.image import SourceImage
from keyfilters.sources.reading import Opened

if TYPE_CHECKING:
    from keyfilters.config.dataset import Dataset

TITLE = None  # the set's name in the study says what is in it
DOMAIN = "not stated"
LICENCE = "not stated"
FIT = "crop"


SETS = None


def check(dataset: Dataset) -> None:
    """Raises ValueError if the section does not say where the archive lies and what its bytes are."""
    if None in (dataset.path, dataset.sha256):
        raise ValueError("`source: archive` needs `path` and `sha256`")


def identity(name: str) -> dict[str, Any]:
    """Nothing: the section's own `sha256` is part of the settings."""
    return {}


def open_set(settings: Mapping[str, Any], cache: Path) -> Opened:
    """The archive at `settings["path"]`. Raises KeyfiltersError if it is not there, or has another digest."""
    path = Path(settings["path"])
    check_file(path, settings["sha256"])
    return Opened(sys.modules[__name__], path)


def read(path: Path) -> Iterator[SourceImage]:
    """All images that lie in a folder; the folder's name is the class."""
    for name, data in members(path, _is_image):
        *above, label, _ = PurePosixPath(name).parts
        split = above[-1] if above and above[-1] in ("train", "test") else None
        yield SourceImage(data, label, name=name, group=name, split=split)


def _is_image(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = path.name.startswith(".")  # macOS packs a "._<name>" beside each file
    return not hidden and len(path.parts) > 1 and path.suffix.lower() in (".jpg", ".jpeg", ".png")
