"""Drawn traffic signs of many countries, as Mapillary renders them, by what a sign is for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from keyfilters.fetching.archives import members
from keyfilters.fetching.packages import Package
from keyfilters.sources.image import SourceImage

PACKAGE = Package(
    "npm",
    "mapillary_sprite_source",
    "1.8.0",
    "mapillary_sprite_source-1.8.0.tgz",
    "6266c97de1746319b9437355c853384e1c7dfc1f06973c8c37a3704a8ca763da",
    15_769_074,
)
TITLE = "Drawn signs"
DOMAIN = "traffic sign artwork"
LICENCE = "MIT"
FIT = "pad"

SHEET = "package/sprites/sprites@2x.png"
INDEX = "package/sprites/sprites@2x.json"
CLASSES = ("regulatory", "warning", "information", "complementary")

# Signs that differ in nothing else are mirrored, renumbered, struck out or worded otherwise.
VARIANT = {"left", "right", "first", "end", "ahead", "of", "on", "to", "and", "or"}


def read(path: Path) -> Iterator[SourceImage]:
    """A sheet of sprites and the place of each; a sign is named `<class>--<meaning>--g<variant>`."""
    from keyfilters.datasets.decoding import to_rgb

    files = dict(members(path, lambda name: name in (SHEET, INDEX)))
    sheet = to_rgb(files[SHEET])
    for name, box in json.loads(files[INDEX]).items():
        label, _, rest = name.partition("--")
        if label in CLASSES:
            x, y = box["x"], box["y"]
            pixels = sheet[y : y + box["height"], x : x + box["width"]]
            yield SourceImage(pixels, label, name=name, group=meaning(rest.partition("--")[0]))


def meaning(words: str) -> str:
    """What all variants of a sign share, whatever class they are in.

    National variants, mirror images and other numbers on the same board would otherwise be tested on
    near copies of what was trained on.
    """
    kept = set(re.findall(r"[a-z]+", words)) - VARIANT
    return " ".join(sorted(kept))
