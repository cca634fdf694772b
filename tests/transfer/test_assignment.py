"""Filters are dealt from a stack without loss or change; kernels grow and shrink around their centre."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from keyfilters.transfer.assignment import assign, fit

AVAILABLE = st.integers(1, 40)
SIZES = st.lists(st.integers(1, 20), min_size=1, max_size=6)
SEEDS = st.integers(0, 2**31)


def flat(dealt):
    return [position for layer in dealt for position in layer]


@given(AVAILABLE, SIZES, st.none() | SEEDS)
def test_every_layer_is_filled_with_filters_of_the_source(available, sizes, seed):
    dealt = assign(available, sizes, seed)
    assert [len(layer) for layer in dealt] == sizes
    assert set(flat(dealt)) <= set(range(available))


@given(AVAILABLE, SIZES)
def test_a_stack_keeps_its_order_and_repeats_from_its_beginning(available, sizes):
    dealt = flat(assign(available, sizes))
    assert dealt[:available] == list(range(min(available, sum(sizes))))
    assert dealt[available:] == dealt[:-available]


@given(AVAILABLE, SIZES, SEEDS)
def test_shuffling_keeps_the_multiset_and_is_decided_by_the_seed(available, sizes, seed):
    shuffled = assign(available, sizes, seed)
    assert sorted(flat(shuffled)) == sorted(flat(assign(available, sizes)))
    assert shuffled == assign(available, sizes, seed)


def test_shuffling_crosses_layers_and_differs_between_seeds():
    one, two = assign(100, [50, 50], 0), assign(100, [50, 50], 1)
    assert one != two
    assert 10 < sum(position >= 50 for position in one[0]) < 40


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 4), st.integers(0, 4))
def test_padding_adds_zeros_that_cropping_takes_away(height, width, taller, wider):
    filters = torch.rand(2, height, width) + 1
    padded = fit(filters, height + taller, width + wider)
    assert padded.shape == (2, height + taller, width + wider)
    assert padded.count_nonzero() == filters.numel()
    assert torch.equal(fit(padded, height, width), filters)


@pytest.mark.parametrize(
    ("size", "expected"), [(1, [3]), (3, [2, 3, 4]), (5, [1, 2, 3, 4, 5]), (7, [0, 1, 2, 3, 4, 5, 0])]
)
def test_the_centre_stays_the_centre(size, expected):
    row = torch.tensor([1.0, 2, 3, 4, 5])
    assert fit(row.view(1, 1, 5), 1, size).flatten().tolist() == expected
    assert fit(row.view(1, 5, 1), size, 1).flatten().tolist() == expected
