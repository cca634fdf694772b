"""Splits by group: nothing leaks, shares are met, and the choice is always the same."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyfilters.datasets.duplicates import without_duplicates
from keyfilters.datasets.splitting import at_most, split
from keyfilters.errors import KeyfiltersError
from keyfilters.sources.image import SourceImage

LABELS = ("cat", "dog")
PIXELS = np.zeros((1, 1, 3), np.uint8)


def picture(name, label="cat", group=None, side=None):
    return SourceImage(PIXELS, label, name, group or name, side)


@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from("xyz"), st.integers(0, 9)), max_size=40))
def test_neither_a_group_nor_a_picture_is_on_both_sides(drawn):
    pictures = [
        SourceImage(np.full((1, 1, 3), value, np.uint8), label, str(index), str(group))
        for index, (value, label, group) in enumerate(drawn)
    ]
    sides = split(without_duplicates(pictures).images, "set", 0.3)
    sides_of = defaultdict(set)
    for side, chosen in sides.items():
        for picture in chosen:
            sides_of[picture.data.item(0)].add(side)
    for one in {group for _, _, group in drawn}:
        assert len(set().union(*(sides_of[value] for value, _, group in drawn if group == one))) <= 1


@pytest.mark.parametrize(("share", "expected"), [(0.2, 20), (0.5, 50), (0.001, 1)])
def test_each_class_gets_its_share(share, expected):
    pictures = [picture(f"{label}{number}", label) for label in LABELS for number in range(100)]
    sides = split(pictures, "set", share)
    assert Counter(picture.label for picture in sides["test"]) == {"cat": expected, "dog": expected}
    assert len(sides["train"]) == 200 - 2 * expected


@pytest.mark.parametrize("name", ["one", "two", "three", "four"])
def test_a_group_of_two_classes_overdraws_neither_share(name):
    mixed = [picture(f"{label}{number}", label, f"group {number}") for label in LABELS for number in range(50)]
    single = [picture(f"single {label}{number}", label) for label in LABELS for number in range(50)]
    tested = Counter(picture.label for picture in split(mixed + single, name, 0.2)["test"])
    assert tested == {"cat": 20, "dog": 20}


def test_the_choice_does_not_depend_on_the_order():
    pictures = [picture(str(number)) for number in range(50)]
    tested = {picture.name for picture in split(pictures, "set", 0.2)["test"]}
    assert {picture.name for picture in split(pictures[::-1], "set", 0.2)["test"]} == tested
    assert {picture.name for picture in split(pictures, "other", 0.2)["test"]} != tested


def test_the_sources_own_split_is_kept():
    pictures = [picture("a", side="train"), picture("b", side="test"), picture("c", side="test")]
    assert split(pictures, "set", 0.2) == {"train": pictures[:1], "test": pictures[1:]}


def test_a_split_of_some_pictures_only_is_an_error():
    with pytest.raises(KeyfiltersError, match="set pets: val/1 is outside train/ and test/"):
        split([picture("train/1", side="train"), picture("val/1")], "pets", 0.2)


def test_limits_keep_the_order_and_grow_by_adding():
    pictures = [picture(f"{label}{number}", label) for number in range(30) for label in LABELS]
    few, more = at_most(pictures, "set", 3), at_most(pictures, "set", 5)
    assert Counter(picture.label for picture in few) == {"cat": 3, "dog": 3}
    assert {picture.name for picture in few} < {picture.name for picture in more}
    assert few == [picture for picture in pictures if picture in few]
    assert at_most(pictures, "other", 3) != few
    assert at_most(pictures, "set", None) == pictures
