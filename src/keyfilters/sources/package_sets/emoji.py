"""Emoji as Google and Twitter draw them, by category."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from keyfilters.fetching.archives import members
from keyfilters.fetching.packages import Package
from keyfilters.sources.image import SourceImage

PACKAGE = Package(
    "npm",
    "emoji-datasource",
    "16.0.0",
    "emoji-datasource-16.0.0.tgz",
    "2006725061dc0098daa832d65f854a7bec0740af2eb47cb5b23d89f7e2c849f9",
    25_187_342,
)
TITLE = "Emoji"
DOMAIN = "pictograms in colour"
LICENCE = "drawings Apache-2.0 (Google) and CC BY 4.0 (Twitter); package MIT"
FIT = "pad"

INDEX = "package/emoji.json"
SHEETS = {style: f"package/img/{style}/sheets/32.png" for style in ("google", "twitter")}
SIZE, PITCH = 32, 34  # each drawing on a sheet has a border of one pixel

# Adults, children and old people; a family is a sequence of them.
PERSONS = {"1F468", "1F469", "1F9D1", "1F466", "1F467", "1F9D2", "1F474", "1F475", "1F9D3"}
SEX_OR_DIRECTION = {"2640", "2642", "27A1"}
# Single codes that are drawn like a sequence of others.
DRAWN_LIKE = {
    "1F46A": "1F9D1",  # family
    "1F46B": "1F9D1-200D-1F91D",  # holding hands, three pairs
    "1F46C": "1F9D1-200D-1F91D",
    "1F46D": "1F9D1-200D-1F91D",
    "1F48F": "1F9D1-200D-2764-200D-1F48B",  # kiss
    "1F491": "1F9D1-200D-2764",  # couple with heart
    "1F936": "1F385",  # Mother and Father Christmas
    "1F9D1-200D-1F384": "1F385",
    "1F478": "1F934",  # princess and prince
    "1FAC3": "1F930",  # pregnant
    "1FAC4": "1F930",
}
# Words of a name that only tell colour, size, direction or phase.
VARIANT = re.compile(
    "black|blue|brown|green|grey|light|orange|pink|purple|red|white|yellow|heavy|large|medium|small|"
    "down|left(wards)?|lower|right(wards)?|up(per)?|first|second|third|last|"
    "crescent|full|gibbous|new|quarter|waning|waxing"
)


def read(path: Path) -> Iterator[SourceImage]:
    """The drawings of one emoji in both styles, without skin tones, share a group."""
    from keyfilters.datasets.decoding import to_rgb

    wanted = {INDEX, *SHEETS.values()}
    files = dict(members(path, lambda name: name in wanted))
    sheets = {style: to_rgb(files[sheet]) for style, sheet in SHEETS.items()}
    index = json.loads(files[INDEX])
    names = {emoji["unified"].replace("-FE0F", ""): emoji["short_name"] for emoji in index}
    for emoji in index:
        if emoji["category"] == "Component":
            continue
        x, y = PITCH * emoji["sheet_x"] + 1, PITCH * emoji["sheet_y"] + 1
        for style, sheet in sheets.items():
            if emoji[f"has_img_{style}"]:
                pixels = sheet[y : y + SIZE, x : x + SIZE]
                name = f"{style}/{emoji['unified']}"
                yield SourceImage(pixels, emoji["category"], name=name, group=drawing(emoji, names))


def drawing(emoji: Mapping[str, str], names: Mapping[str, str]) -> str:
    """What all emoji share that differ only in who does something, in direction, colour, size or hour.

    `names` has the short name of each code. A sequence is drawn like its first code, persons aside.
    """
    code = emoji["unified"].replace("-FE0F", "")
    first, *others = DRAWN_LIKE.get(code, code).split("-200D-")
    if first in PERSONS:
        return " ".join(["person", *sorted(set(others) - PERSONS - SEX_OR_DIRECTION)])
    words = re.findall("[a-z]+", names[first])
    return " ".join(word for word in words if not VARIANT.fullmatch(word)) or names[first]
