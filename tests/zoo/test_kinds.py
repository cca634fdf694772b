"""Kinds that a package's own code states."""

import csv
from pathlib import Path

import numpy as np
import pytest

from keyfilters.errors import KeyfiltersError
from keyfilters.zoo.kinds import apply, parse
from keyfilters.zoo.network import Convolution, Network
from tests.helpers.tiny_networks import weight


def layer(name, *shape, **facts):
    return Convolution(name, shape, lambda: weight(*shape), **facts)


def test_first_pattern_found_in_the_name_decides():
    layers = [
        layer("up.0", 4, 2, 3, 3),
        layer("a.dw", 6, 1, 3, 3),
        layer("a.pw", 4, 6, 1, 1),
        layer("up.dw", 4, 2, 5, 5),
    ]
    network = apply(Network(tuple(layers)), parse("^up=transposed; dw=depthwise; =regular"))

    assert [c.kind for c in network.convolutions] == ["transposed", "depthwise", "pointwise", "transposed"]
    assert [c.groups for c in network.convolutions] == [1, 6, 1, 1]
    assert network.convolutions[0].shape == (2, 4, 3, 3)
    np.testing.assert_array_equal(network.convolutions[0].load(), weight(4, 2, 3, 3).swapaxes(0, 1))
    np.testing.assert_array_equal(network.convolutions[1].load(), weight(6, 1, 3, 3))


def test_layout_of_stored_weights():
    [convolution] = apply(Network((layer("c", 5, 2, 3, 4),)), parse("=regular OHWI")).convolutions
    assert convolution.shape == (5, 4, 2, 3)
    np.testing.assert_array_equal(convolution.load(), weight(5, 2, 3, 4).transpose(0, 3, 1, 2))
    assert convolution.load().flags["C_CONTIGUOUS"]


def test_what_the_file_tells_stands_and_what_nobody_tells_stays_unknown():
    known = layer("c.known", 2, 2, 3, 3, kind="grouped", groups=2)
    network = apply(Network((known, layer("c.other", 2, 2, 3, 3), layer("d", 2, 2, 3, 3))), parse("^c=regular"))
    assert [c.kind for c in network.convolutions] == ["grouped", "regular", None]
    assert network.convolutions[0] is known


def test_none_takes_a_tensor_out():
    network = apply(Network((layer("position", 1, 2, 3, 3), layer("c", 2, 2, 3, 3))), parse("position=none; c=regular"))
    assert [c.name for c in network.convolutions] == ["c"]
    assert network.left_out == ("position: no convolution, as the package's code says",)


def test_empty_statement_changes_nothing():
    network = Network((layer("c", 2, 2, 3, 3),))
    assert apply(network, parse("")) == network


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("up", "no pattern=kind"),
        ("up=upwards", "no pattern=kind"),
        ("=regular HWIO5", "layout 'HWIO5'"),
        ("(=regular", "no regular expression"),
    ],
)
def test_statement_that_is_not_written_well(statement, reason):
    with pytest.raises(KeyfiltersError, match=reason):
        parse(statement)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [("=regular; up=transposed", "'up'=transposed decides of no layer"), ("c=depthwise", "stated")],
)
def test_statement_that_does_not_fit_the_network(statement, reason):
    with pytest.raises(KeyfiltersError, match=reason):
        apply(Network((layer("c", 4, 2, 3, 3),)), parse(statement))


def test_statements_of_the_packages_are_written_well():
    with (Path(__file__).parents[2] / "docs/kinds.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["id"] for row in rows}) == len(rows) > 100
    for row in rows:
        assert parse(row["kinds"])
        assert row["source"]
