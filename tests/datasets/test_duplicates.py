"""Copies are found by pixels, and tie groups together."""

import numpy as np

from keyfilters.datasets.duplicates import without_duplicates
from keyfilters.sources.image import SourceImage


def picture(value, label, name, group=None, split=None):
    return SourceImage(np.full((2, 2, 3), value, np.uint8), label, name, group or name, split)


def names(distinct):
    return [picture.name for picture in distinct.images]


def test_one_copy_is_kept():
    kept = without_duplicates([picture(1, "cat", "a"), picture(2, "cat", "b"), picture(1, "cat", "c")])
    assert names(kept) == ["a", "b"]
    assert (kept.duplicates, kept.ambiguous) == (1, 0)


def test_training_loses_what_is_also_in_the_test():
    kept = without_duplicates(
        [
            picture(1, "cat", "train/a", split="train"),
            picture(1, "cat", "test/a", split="test"),
            picture(2, "cat", "train/b", split="train"),
        ]
    )
    assert names(kept) == ["test/a", "train/b"]


def test_copies_that_contradict_each_other_are_all_dropped():
    kept = without_duplicates(
        [picture(1, "cat", "a"), picture(1, "dog", "b"), picture(1, "cat", "c"), picture(2, "dog", "d")]
    )
    assert names(kept) == ["d"]
    assert (kept.duplicates, kept.ambiguous) == (0, 3)


def test_groups_that_share_a_picture_become_one():
    kept = without_duplicates(
        [
            picture(1, "cat", "a1", "a"),
            picture(1, "cat", "b1", "b"),
            picture(2, "cat", "b2", "b"),
            picture(2, "dog", "c1", "c"),
            picture(3, "dog", "c2", "c"),
            picture(4, "dog", "d1", "d"),
        ]
    )
    groups = {picture.name: picture.group for picture in kept.images}
    assert groups["a1"] == groups["c2"] != groups["d1"]
