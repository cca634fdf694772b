"""Copies are found by pixels, and tie groups together."""

import numpy as np

from keyfilters.datasets.duplicates import without_duplicates
from keyfilters.sources.image import SourceImage


def image(value, label, name, group=None, split=None):
    return SourceImage(np.full((2, 2, 3), value, np.uint8), label, name, group or name, split)


def names(distinct):
    return [image.name for image in distinct.images]


def test_one_copy_is_kept():
    kept = without_duplicates([image(1, "cat", "a"), image(2, "cat", "b"), image(1, "cat", "c")])
    assert names(kept) == ["a", "b"]
    assert (kept.duplicates, kept.ambiguous) == (1, 0)


def test_training_loses_what_is_also_in_the_test():
    kept = without_duplicates(
        [
            image(1, "cat", "train/a", split="train"),
            image(1, "cat", "test/a", split="test"),
            image(2, "cat", "train/b", split="train"),
        ]
    )
    assert names(kept) == ["test/a", "train/b"]


def test_copies_that_contradict_each_other_are_all_dropped():
    kept = without_duplicates([image(1, "cat", "a"), image(1, "dog", "b"), image(1, "cat", "c"), image(2, "dog", "d")])
    assert names(kept) == ["d"]
    assert (kept.duplicates, kept.ambiguous) == (0, 3)


def test_groups_that_share_an_image_become_one():
    kept = without_duplicates(
        [
            image(1, "cat", "a1", "a"),
            image(1, "cat", "b1", "b"),
            image(2, "cat", "b2", "b"),
            image(2, "dog", "c1", "c"),
            image(3, "dog", "c2", "c"),
            image(4, "dog", "d1", "d"),
        ]
    )
    groups = {image.name: image.group for image in kept.images}
    assert groups["a1"] == groups["c2"] != groups["d1"]
