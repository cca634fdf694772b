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
    found = [counts(filters(*place, slope=slope)) for place, slope in np.ndenumerate(slopes)]
    return np.reshape(found, (sets, layers, *found[0].shape))


def answered(widths=(60, 60, 60), **given):
    return answer(cells(5, 3, **given), widths, 50, Comparison(BINS, ANALYSIS, 4), 300)


def test_layers_that_differ_more_are_told():
    found = answered(of_layer=1.5)
    assert (found.networks, found.layers_compared, found.filters) == (5, 3, 50)
    assert (found.sets.count, found.layers.count, found.alike.count) == (10 * 3, 5 * 3, 5 * 3)
    assert found.layers.beyond > found.sets.beyond
    assert found.alike == found.layers
    assert verdict(found.layers) == "sets drift less"


def test_sets_that_differ_more_are_told():
    assert verdict(answered(of_set=1.5).layers) == "layers drift less"


def test_nothing_is_told_where_nothing_differs():
    found = answered()
    assert verdict(found.layers) == "undecided"
    assert abs(found.sets.beyond) < 0.1 * found.sets.chance


def test_layers_of_one_width_are_those_with_as_many_filters():
    found = answered(widths=(60, 60, 70))
    assert found.alike.count == 5
    assert answered(widths=(50, 60, 70)).alike is None


def test_two_networks_have_no_interval():
    found = answer(cells(2, 2), (60, 60), 50, Comparison(BINS, ANALYSIS, 2), 50)
    assert found.layers.interval is None
    assert verdict(found.layers) == "too few sets to tell"


def test_the_interval_is_that_of_networks_drawn_anew():
    random = np.random.default_rng(0)
    between, within = np.triu(random.random((4, 4)), k=1), random.random(4)
    samples = [random.integers(0, 4, 4) for _ in range(200)]
    samples = [sample for sample in samples if len(set(sample)) > 1]
    expected = []
    for sample in samples:
        pairs = [between[tuple(sorted(pair))] for pair in combinations(sample, 2) if pair[0] != pair[1]]
        expected.append(within[sample].mean() - np.mean(pairs))
    found = _interval(between, within, np.array([np.bincount(sample, minlength=4) for sample in samples]))
    assert found == pytest.approx(np.percentile(expected, [2.5, 97.5]))
