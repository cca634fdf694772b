"""Copies of one image: which to keep, and which groups they tie together."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from keyfilters.sources.image import SourceImage


@dataclass(frozen=True)
class Distinct:
    """Images of which no two have equal pixels, and how many were left out to get there."""

    images: list[SourceImage]
    duplicates: int
    """Left out because a copy with the same label is kept."""
    ambiguous: int
    """Left out because copies contradict each other's labels; none of them is kept."""


def without_duplicates(images: Iterable[SourceImage]) -> Distinct:
    """Keep one of the images with equal pixels (`data` as uint8 pixels of one shape) and equal label.

    A copy on the test side is the one that is kept. Groups that share an image become one group.
    """
    copies = defaultdict(list)
    for image in images:
        copies[hashlib.sha256(image.data.tobytes()).digest()].append(image)
    group_of = _united([{image.group for image in same} for same in copies.values()])

    kept, duplicates, ambiguous = [], 0, 0
    for same in copies.values():
        if len({image.label for image in same}) > 1:
            ambiguous += len(same)
            continue
        chosen = next((image for image in same if image.split == "test"), same[0])
        kept.append(replace(chosen, group=group_of[chosen.group]))
        duplicates += len(same) - 1
    return Distinct(kept, duplicates, ambiguous)


def _united(ties: Sequence[Collection[str]]) -> dict[str, str]:
    """For each name, the one that stands for all names that ties connect with it."""
    parent = {name: name for tie in ties for name in tie}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    for tie in ties:
        first, *others = sorted(tie)
        for other in others:
            parent[root(other)] = root(first)
    return {name: root(name) for name in parent}
