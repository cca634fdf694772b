"""Patterns are found again in filters that were made of them, and what they explain is what a line through it does."""

import numpy as np
import pytest

from keyfilters.analysis import patterns

RANDOM = np.random.default_rng(0)
TRUE = patterns.units(RANDOM.normal(size=(3, 9)))


def affine(true, count, noise=0.0):
    """Filters a * p + b of these patterns, with as many of each, of either sign."""
    slopes = RANDOM.normal(size=(count, 1)) + np.sign(RANDOM.normal(size=(count, 1)))
    own = true[np.arange(count) % len(true)]
    return slopes * own + RANDOM.normal(size=(count, 1)) + noise * RANDOM.normal(size=own.shape)


def test_what_the_nearest_pattern_explains_is_the_best_of_all_lines():
    filters = RANDOM.normal(size=(20, 9))
    expected = [max(np.corrcoef(each, pattern)[0, 1] ** 2 for pattern in TRUE) for each in filters]
    assert patterns.explained(patterns.units(filters), TRUE) == pytest.approx(expected)


def test_patterns_of_which_filters_are_made_are_found_whatever_their_scale_mean_and_sign():
    units = patterns.units(affine(TRUE, 300))
    fitted = patterns.fit(units, np.ones(300), 3)
    assert patterns.explained(TRUE, fitted) == pytest.approx(1)
    assert patterns.explained(units, fitted) == pytest.approx(1)


def test_more_patterns_explain_more_and_as_many_as_filters_all_of_it():
    units = patterns.units(RANDOM.normal(size=(40, 9)))
    shares = [patterns.explained(units, patterns.fit(units, np.ones(40), count)).mean() for count in (1, 2, 8, 40)]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


def test_filters_count_by_their_weights_and_the_most_frequent_pattern_is_first():
    units = np.concatenate([patterns.units(affine(TRUE[:1], 90)), patterns.units(affine(TRUE[1:2], 10))])
    weights = np.repeat([1.0, 100.0], [90, 10])
    assert patterns.explained(TRUE[1:2], patterns.fit(units, weights, 1)) > 0.9
    assert patterns.explained(TRUE[1:2], patterns.fit(units, weights, 2)[:1]) == pytest.approx(1)


def test_constant_filters_have_no_pattern():
    filters = np.stack([np.zeros(9), np.full(9, 0.1, np.float32), np.arange(9.0)]).astype(np.float32)
    assert patterns.units(filters) == pytest.approx(patterns.units(np.arange(9.0)[None]))


def test_of_fewer_filters_than_patterns_asked_for_there_are_no_more():
    for count in range(1, 8):
        units = patterns.units(RANDOM.normal(size=(count, 49)))
        assert len(patterns.fit(units, np.ones(count), 8)) == count


def test_the_same_filters_have_the_same_patterns():
    units = patterns.units(affine(TRUE, 100, noise=0.3))
    assert (patterns.fit(units, np.ones(100), 4) == patterns.fit(units.copy(), np.ones(100), 4)).all()
