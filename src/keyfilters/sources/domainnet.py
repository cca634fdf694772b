"""The sketches of DomainNet with their official split: Peng et al., "Moment Matching for Multi-Source Domain
Adaptation", ICCV 2019.

`FILES` are the authors' addresses with the SHA-256 that TensorFlow Datasets has on record for them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from keyfilters.errors import KeyfiltersError
from keyfilters.fetching.archives import members
from keyfilters.fetching.downloads import fetch
from keyfilters.sources.image import SourceImage
from keyfilters.sources.reading import Opened

if TYPE_CHECKING:
    from keyfilters.config.dataset import Dataset

SETS = ("sketch",)
TITLE = "Sketch"
DOMAIN = "sketches of 345 kinds of things"
LICENCE = "fair use for research (DomainNet's notice; cite Peng et al. 2019)"
FIT = "crop"
SPLITS = {"train": "sketch_train.txt", "test": "sketch_test.txt"}

IMAGES = "sketch.zip"
_AT = "http://csr.bu.edu/ftp/visda/2019/multi-source"
FILES = {
    f"{_AT}/{IMAGES}": "23a7dbae7016b343e934399beaa8a68728fb5e570ebe2c71df9b75cf91c499fc",
    f"{_AT}/domainnet/txt/{SPLITS['train']}": "72f4bc6afa5702a1ccba800d0053c1427de87439dfaf246dbc9a2e71abfec54f",
    f"{_AT}/domainnet/txt/{SPLITS['test']}": "3fb48fca18c507c4321f007c3f62b308ec232ff6928cbfe2af64e76ec366e840",
}


def check(dataset: Dataset) -> None:
    """Raises ValueError if the section has a digest: the pins are in `FILES`."""
    if dataset.sha256:
        raise ValueError("`sha256` belongs to another source than `domainnet`, whose pins are its own")


def identity(name: str) -> dict[str, Any]:
    """The digests of the published files by their URLs."""
    return {"sha256": dict(FILES)}


def open_set(settings: Mapping[str, Any], cache: Path) -> Opened:
    """The published files in the folder `settings["path"]`, else in one of the cache; what is missing is fetched."""
    folder = Path(settings["path"] or cache / "domainnet")
    for url, digest in FILES.items():
        fetch(url, digest, folder)
    return Opened(sys.modules[__name__], folder, {"splits": SPLITS})


def read(folder: Path) -> Iterator[SourceImage]:
    """The images that the lists name, `<domain>/<class>/<file> <number>` a line, from the archive beside them.

    Raises KeyfiltersError if the archive lacks one.
    """
    side_of = {}
    for side, file in SPLITS.items():
        side_of |= dict.fromkeys((line.rpartition(" ")[0] for line in (folder / file).read_text().splitlines()), side)
    for name, data in members(folder / IMAGES, side_of.__contains__):
        yield SourceImage(data, PurePosixPath(name).parent.name, name=name, group=name, split=side_of.pop(name))
    if side_of:
        raise KeyfiltersError(f"{folder / IMAGES}: {len(side_of)} listed images are missing, {min(side_of)} first")
