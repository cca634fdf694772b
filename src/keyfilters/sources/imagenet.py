"""ImageNet's classification task of 2012 from the user's own folder: Russakovsky et al., IJCV 2015.

`train/<wnid>/*.JPEG` and, for testing, the validation images: `val/<wnid>/*.JPEG`, or `val/*.JPEG` with the
development kit `ILSVRC2012_devkit_t12` beside it. A class is called by its WordNet id.

1.4 million files are not read twice to pin them. The set's identity is what the study calls it and, where the study
gives it, `listing_digest`; the prepared set records that digest either way.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keyfilters.errors import KeyfiltersError
from keyfilters.sources.image import SourceImage
from keyfilters.sources.reading import Opened

if TYPE_CHECKING:
    from keyfilters.config.dataset import Dataset

TITLE = "ImageNet"
DOMAIN = "photographs of a thousand kinds of things"
LICENCE = "non-commercial research (ImageNet's terms of access)"
FIT = "crop"
SPLITS = {"train": "train", "test": "val"}

SETS = None
DEVKIT = "ILSVRC2012_devkit_t12"


def check(dataset: Dataset) -> None:
    """Raises ValueError if the section does not say where the user's folder lies."""
    if dataset.path is None:
        raise ValueError("`source: imagenet` needs `path`, the folder with train/ and val/")


def identity(name: str) -> dict[str, Any]:
    """Nothing: what pins the folder is the section's own `sha256`, if it has one."""
    return {}


def open_set(settings: Mapping[str, Any], cache: Path) -> Opened:
    """The user's folder `settings["path"]`. Raises KeyfiltersError if its listing is not the one that is pinned."""
    root = Path(settings["path"])
    digest = listing_digest(root)
    if settings["sha256"] not in (None, digest):
        raise KeyfiltersError(
            f"{root}: the digest of its listing is {digest}, expected {settings['sha256']}; complete the folder, "
            "or correct `sha256`"
        )
    return Opened(sys.modules[__name__], root, {"splits": SPLITS, "listing_sha256": digest})


def listing_digest(root: Path) -> str:
    """SHA-256 over `<train or val>/<file> <bytes>` of every image, a line each."""
    digest = hashlib.sha256()
    for side, path in _files(root):
        digest.update(f"{side}/{path.name} {path.stat().st_size}\n".encode())
    return digest.hexdigest()


def read(root: Path) -> Iterator[SourceImage]:
    """All images, undecoded. Raises KeyfiltersError if the folder is laid out otherwise."""
    flat = None
    for side, path in _files(root):
        label = path.parent.name
        if label == "val":
            flat = flat or _validation_classes(root)
            label = flat.get(path.name)
            if label is None:
                raise KeyfiltersError(f"{path}: not in the list of validation images; move it elsewhere")
        name = f"{side}/{path.name}"
        yield SourceImage(path.read_bytes(), label, name=name, group=name, split="train" if side == "train" else "test")


def _files(root: Path) -> Iterator[tuple[str, Path]]:
    """Every image with its folder `train` or `val`, in the order of their own names, which are unique."""
    for side, patterns in (("train", ["*/*.JPEG"]), ("val", ["*/*.JPEG", "*.JPEG"])):
        paths = [path for pattern in patterns for path in (root / side).glob(pattern)]
        if not paths:
            raise KeyfiltersError(
                f"{root / side}: no {' or '.join(patterns)}; correct `path`, or unpack ImageNet there"
            )
        yield from ((side, path) for path in sorted(paths, key=lambda path: path.name))


def _validation_classes(root: Path) -> dict[str, str]:
    """Class of each validation image by file name, as the development kit's lists say."""
    from scipy.io import loadmat

    data = root / DEVKIT / "data"
    try:
        synsets = loadmat(data / "meta.mat", squeeze_me=True)["synsets"]
        numbers = (data / "ILSVRC2012_validation_ground_truth.txt").read_text().split()
    except (OSError, KeyError, ValueError) as error:
        raise KeyfiltersError(
            f"{data}: its lists, which tell the classes of {root / 'val'}/*.JPEG, cannot be read ({error}); unpack "
            "the development kit there, or sort the images into folders of classes"
        ) from error
    wnid_of = {int(synset["ILSVRC2012_ID"]): str(synset["WNID"]) for synset in synsets}
    return {f"ILSVRC2012_val_{index:08}.JPEG": wnid_of[int(number)] for index, number in enumerate(numbers, start=1)}
