"""A tar or zip of class folders, with the source's own split or without.

`<anything>/<train or test>/<class>/<file>` or `<anything>/<class>/<file>`, JPG and PNG.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from keyfilters.datasets.pictures import Picture
from keyfilters.fetching.archives import members

TITLE = None  # the set's name in the study says what is in it
DOMAIN = "not stated"
LICENCE = "not stated"
FIT = "crop"


def read(path: Path) -> Iterator[Picture]:
    """All pictures that lie in a folder; the folder's name is the class."""
    for name, data in members(path, _is_picture):
        *above, label, _ = PurePosixPath(name).parts
        split = above[-1] if above and above[-1] in ("train", "test") else None
        yield Picture(data, label, name=name, group=name, split=split)


def _is_picture(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = path.name.startswith(".")  # macOS packs a "._<name>" beside each file
    return not hidden and len(path.parts) > 1 and path.suffix.lower() in (".jpg", ".jpeg", ".png")
