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


def image(name, label="cat", group=None, side=None):
    return SourceImage(PIXELS, label, name, group or name, side)


@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from("xyz"), st.integers(0, 9)), max_size=40))
def test_neither_a_group_nor_an_image_is_on_both_sides(drawn):
    images = [
        SourceImage(np.full((1, 1, 3), value, np.uint8), label, str(index), str(group))
        for index, (value, label, group) in enumerate(drawn)
    ]
    sides = split(without_duplicates(images).images, "set", 0.3)
    sides_of = defaultdict(set)
    for side, chosen in sides.items():
        for image in chosen:
            sides_of[image.data.item(0)].add(side)
    for one in {group for _, _, group in drawn}:
        assert len(set().union(*(sides_of[value] for value, _, group in drawn if group == one))) <= 1


@pytest.mark.parametrize(("share", "expected"), [(0.2, 20), (0.5, 50), (0.001, 1)])
def test_each_class_gets_its_share(share, expected):
    images = [image(f"{label}{number}", label) for label in LABELS for number in range(100)]
    sides = split(images, "set", share)
    assert Counter(image.label for image in sides["test"]) == {"cat": expected, "dog": expected}
    assert len(sides["train"]) == 200 - 2 * expected


@pytest.mark.parametrize("name", ["one", "two", "three", "four"])
def test_a_group_of_two_classes_overdraws_neither_share(name):
    mixed = [image(f"{label}{number}", label, f"group {number}") for label in LABELS for number in range(50)]
    single = [image(f"single {label}{number}", label) for label in LABELS for number in range(50)]
    tested = Counter(image.label for image in split(mixed + single, name, 0.2)["test"])
    assert tested == {"cat": 20, "dog": 20}


def test_the_choice_does_not_depend_on_the_order():
    images = [image(str(number)) for number in range(50)]
    tested = {image.name for image in split(images, "set", 0.2)["test"]}
    assert {image.name for image in split(images[::-1], "set", 0.2)["test"]} == tested
    assert {image.name for image in split(images, "other", 0.2)["test"]} != tested


def test_the_sources_own_split_is_kept():
    images = [image("a", side="train"), image("b", side="test"), image("c", side="test")]
    assert split(images, "set", 0.2) == {"train": images[:1], "test": images[1:]}


def test_a_split_of_some_images_only_is_an_error():
    with pytest.raises(KeyfiltersError, match="set pets: val/1 is outside train/ and test/"):
        split([image("train/1", side="train"), image("val/1")], "pets", 0.2)


def test_limits_keep_the_order_and_grow_by_adding():
    images = [image(f"{label}{number}", label) for number in range(30) for label in LABELS]
    few, more = at_most(images, "set", 3), at_most(images, "set", 5)
    assert Counter(image.label for image in few) == {"cat": 3, "dog": 3}
    assert {image.name for image in few} < {image.name for image in more}
    assert few == [image for image in images if image in few]
    assert at_most(images, "other", 3) != few
    assert at_most(images, "set", None) == images
