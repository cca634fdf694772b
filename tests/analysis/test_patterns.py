"""Patterns are found where filters are multiples of a few, whatever factor and offset each has."""

import numpy as np
import pytest

from keyfilters.analysis.patterns import directions, patterns


def planted(count=4, filters=400, taps=25, noise=0.05, seed=0):
    """Unit patterns, and filters a x + b of them with noise, each pattern of fewer filters than the one before."""
    random = np.random.default_rng(seed)
    true = directions(random.normal(size=(count, taps)))
    members = np.repeat(np.arange(count), np.arange(count, 0, -1) * filters // count)
    factors, offsets = random.normal(size=(2, len(members), 1))
    noise = noise * random.normal(size=(len(members), taps)) * np.abs(factors)
    return true, (factors * true[members] + offsets + noise).astype(np.float32)


def test_planted_patterns_are_found_by_descending_number_of_filters():
    true, filters = planted()
    cosines = np.abs(patterns(filters, 4, seed=0) @ true.T)
    assert (np.diag(cosines) > 0.99).all()


def test_patterns_are_unit_vectors_without_mean_whose_largest_tap_is_positive():
    found = patterns(planted()[1], 4, seed=0)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1)
    np.testing.assert_allclose(found.mean(axis=1), 0, atol=1e-12)
    assert (found.max(axis=1) == np.abs(found).max(axis=1)).all()


def test_factor_offset_and_order_of_filters_change_nothing():
    filters = planted()[1].astype(np.float64)
    random = np.random.default_rng(1)
    factors, offsets = random.normal(size=(2, len(filters), 1))
    np.testing.assert_allclose(patterns(factors * filters + offsets, 4, 0), patterns(filters, 4, 0), atol=1e-9)
    np.testing.assert_allclose(patterns(random.permutation(filters), 4, 0), patterns(filters, 4, 0), atol=1e-3)


def test_more_patterns_than_there_are_lines_leave_some_without():
    filters = np.repeat(planted(count=2, noise=0)[0], 5, axis=0)
    assert np.isfinite(patterns(filters, 4, seed=0)).all()


def test_one_pattern_is_the_leading_principal_direction_of_unit_filters():
    filters = planted()[1]
    leading = np.linalg.svd(directions(filters), full_matrices=False)[2][0]
    assert abs(patterns(filters, 1, seed=0)[0] @ leading) == pytest.approx(1)


def test_too_few_filters_are_named():
    filters = np.vstack([planted()[1][:3], np.ones((5, 25), np.float32)])
    with pytest.raises(ValueError, match="3 filters that are not constant, for 8 patterns"):
        patterns(filters, 8, seed=0)
