"""Whether sets or layers drift more, where it is known, and its interval against plain loops."""

from itertools import combinations

import numpy as np
import pytest

from keyfilters.analysis.chance import Comparison
from keyfilters.analysis.sets_and_layers import _interval, answer, verdict
from tests.helpers.small_groups import ANALYSIS, BINS, counts


def filters(*seed, slope):
    random = np.random.default_rng(seed)
    return (random.normal(size=(60, 9)) + slope * np.linspace(-1, 1, 9)).astype(np.float32)


def cells(sets, layers, of_set=0.0, of_layer=0.0):
    """Histograms whose filters have a slope by set and by layer."""
    slopes = np.add.outer(np.arange(sets) * of_set, np.arange(layers) * of_layer)
    histograms = [counts(filters(*position, slope=slope)) for position, slope in np.ndenumerate(slopes)]
    return np.reshape(histograms, (sets, layers, *histograms[0].shape))


def answered(widths=(60, 60, 60), **slopes):
    return answer(cells(5, 3, **slopes), widths, 50, Comparison(BINS, ANALYSIS, 4), 300)


def test_layers_that_differ_more_are_told():
    comparison = answered(of_layer=1.5)
    assert (comparison.networks, comparison.layers_compared, comparison.filters) == (5, 3, 50)
    assert (comparison.sets.count, comparison.layers.count, comparison.alike.count) == (10 * 3, 5 * 3, 5 * 3)
    assert comparison.layers.beyond > comparison.sets.beyond
    assert comparison.alike == comparison.layers
    assert verdict(comparison.layers) == "sets drift less"


def test_sets_that_differ_more_are_told():
    assert verdict(answered(of_set=1.5).layers) == "layers drift less"


def test_nothing_is_told_where_nothing_differs():
    comparison = answered()
    assert verdict(comparison.layers) == "undecided"
    assert abs(comparison.sets.beyond) < 0.1 * comparison.sets.chance


def test_layers_of_one_width_are_those_with_as_many_filters():
    comparison = answered(widths=(60, 60, 70))
    assert comparison.alike.count == 5
    assert answered(widths=(50, 60, 70)).alike is None


def test_two_networks_have_no_interval():
    comparison = answer(cells(2, 2), (60, 60), 50, Comparison(BINS, ANALYSIS, 2), 50)
    assert comparison.layers.interval is None
    assert verdict(comparison.layers) == "too few sets to tell"


def test_the_interval_is_that_of_networks_drawn_anew():
    random = np.random.default_rng(0)
    between, within = np.triu(random.random((4, 4)), k=1), random.random(4)
    samples = [random.integers(0, 4, 4) for _ in range(200)]
    samples = [sample for sample in samples if len(set(sample)) > 1]
    expected = []
    for sample in samples:
        pairs = [between[tuple(sorted(pair))] for pair in combinations(sample, 2) if pair[0] != pair[1]]
        expected.append(within[sample].mean() - np.mean(pairs))
    interval = _interval(between, within, np.array([np.bincount(sample, minlength=4) for sample in samples]))
    assert interval == pytest.approx(np.percentile(expected, [2.5, 97.5]))
