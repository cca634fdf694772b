"""Choices that look random and are always the same: which images are for testing, which are kept.

The order in which things are chosen is that of the SHA-256 of "<set>:<name>". It depends on nothing
but names, so images that are added later change it little.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from keyfilters.errors import KeyfiltersError
from keyfilters.sources.image import SourceImage


def hash_order(set_name: str) -> Callable[[str], str]:
    """A sort key for names within the set `set_name`."""
    return lambda name: hashlib.sha256(f"{set_name}:{name}".encode()).hexdigest()


def split(images: Sequence[SourceImage], set_name: str, test_share: float) -> dict[str, list[SourceImage]]:
    """The images of the sides "train" and "test": as the source says, else whole groups at a time.

    Raises KeyfiltersError if the source says it of some images only.
    """
    unsplit = [image for image in images if image.split is None]
    if 0 < len(unsplit) < len(images):
        raise KeyfiltersError(f"set {set_name}: {unsplit[0].name} is outside train/ and test/; move it")
    tested = _groups_to_test(unsplit, set_name, test_share)
    sides = {"train": [], "test": []}
    for image in images:
        sides[image.split or ("test" if image.group in tested else "train")].append(image)
    return sides


def _groups_to_test(images: Sequence[SourceImage], set_name: str, test_share: float) -> set[str]:
    """Groups until each class has its `test_share` of images, at least one.

    A group of several classes is taken only while each of them still lacks test images.
    """
    total = Counter(image.label for image in images)
    wanted = {label: max(1, round(test_share * count)) for label, count in total.items()}
    size = defaultdict(Counter)
    for image in images:
        size[image.group][image.label] += 1

    chosen, taken = set(), Counter()
    for group in sorted(size, key=hash_order(set_name)):
        if all(taken[label] < wanted[label] for label in size[group]):
            chosen.add(group)
            taken.update(size[group])
    return chosen


def at_most(images: Sequence[SourceImage], set_name: str, per_class: int | None) -> Sequence[SourceImage]:
    """Up to `per_class` images of each class (None: all), in their given order."""
    if per_class is None:
        return images
    key = hash_order(set_name)
    taken, names = Counter(), set()
    for image in sorted(images, key=lambda image: key(image.name)):
        if taken[image.label] < per_class:
            taken[image.label] += 1
            names.add(image.name)
    return [image for image in images if image.name in names]


def left_over(images: Sequence[SourceImage], taken: Sequence[SourceImage]) -> list[SourceImage]:
    """Those of the images that were not taken, in their given order."""
    names = {image.name for image in taken}
    return [image for image in images if image.name not in names]
