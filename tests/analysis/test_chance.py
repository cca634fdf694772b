"""Drift beyond what chance gives is zero on average for one distribution, at any number of filters."""

import numpy as np
import pytest

from keyfilters.analysis.chance import Comparison, _some
from keyfilters.analysis.drift import distributions, drift
from tests.helpers.drawn_filters import draw
from tests.helpers.small_groups import ANALYSIS, BASIS, BINS, counts

ONE, OTHER = counts(draw(400, seed=0)), counts(draw(300, seed=1))


def test_all_filters_of_both_have_the_drift_of_the_definition():
    p, q = (distributions(histograms, BINS.width, ANALYSIS) for histograms in (ONE, OTHER))
    compared = Comparison(BINS, ANALYSIS, 2)(ONE, OTHER)
    assert compared.drift == pytest.approx(float(drift(p, q, BASIS.ratios)), rel=1e-12)
    assert 0 < compared.chance < compared.drift
    assert compared.beyond == compared.drift - compared.chance


def test_as_many_filters_of_each_are_drawn_as_asked_for():
    drawn = _some(ONE, 50, np.random.default_rng(0))
    assert (drawn.sum(axis=-1) == 50).all()
    assert (drawn <= ONE).all()
    assert (_some(ONE, 10_000, np.random.default_rng(0)) == ONE).all()


def test_every_filter_is_drawn_as_often():
    drawn = _some(np.broadcast_to(ONE, (3000, *ONE.shape)), 50, np.random.default_rng(0))
    share = 50 / 400
    deviation = np.sqrt(ONE * share * (1 - share) * (400 - ONE) / 399)  # hypergeometric
    assert (np.abs(drawn.mean(axis=0) - ONE * share) <= 5 * deviation / np.sqrt(3000)).all()
    assert drawn.std(axis=0) == pytest.approx(deviation, rel=0.2)


@pytest.mark.parametrize("filters", [20, 150])
def test_one_distribution_has_no_drift_beyond_chance_however_few_filters(filters):
    halves = draw(2000, seed=3)
    compare = Comparison(BINS, ANALYSIS, 60)
    compared = compare(counts(halves[::2]), counts(halves[1::2]), filters)
    assert compared.chance > 0.1
    assert abs(compared.beyond) < 0.1 * compared.chance


def test_fewer_filters_drift_more_by_chance():
    few, many = (Comparison(BINS, ANALYSIS, 10)(ONE, OTHER, filters).chance for filters in (20, 200))
    assert few > 2 * many


def test_a_seed_gives_the_same_numbers():
    first, again, other = (Comparison(BINS, ANALYSIS, 3, seed)(ONE, OTHER, 50) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_what_was_compared_before_does_not_matter():
    compare = Comparison(BINS, ANALYSIS, 3)
    first = compare(ONE, OTHER, 50)
    compare(OTHER, ONE, 70)
    assert compare(ONE, OTHER, 50) == first


def test_filters_that_are_all_zero_or_equal_drift_by_a_finite_number():
    zero, equal = counts(np.zeros((40, 9), np.float32)), counts(np.ones((40, 9), np.float32))
    compared = Comparison(BINS, ANALYSIS, 3)(zero, equal, 30)
    assert np.isfinite([compared.drift, compared.chance]).all()
    assert compared.drift > 1
    same = Comparison(BINS, ANALYSIS, 3)(zero, zero, 30)
    assert (same.drift, same.chance) == (0, 0)
