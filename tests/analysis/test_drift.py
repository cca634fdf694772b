"""Drift by the paper and by the notebook, against SciPy's entropy."""

import numpy as np
import pytest
from scipy.stats import entropy

from keyfilters.analysis.basis import fit
from keyfilters.analysis.coefficients import coefficients, edges, extremes, histograms
from keyfilters.analysis.drift import distributions, drift, pairwise_drift, pairwise_kl, symmetric_kl
from keyfilters.analysis.moments import moments
from keyfilters.config.analysis import Analysis
from keyfilters.errors import KeyfiltersError
from tests.helpers.drawn_filters import draw

PAPER, NOTEBOOK = Analysis(), Analysis(floor="density")


@pytest.fixture(scope="module")
def counts():
    """Histograms of five sets of filters in the basis of all, int `[5, 9, 70]`, and a bin's width."""
    sets = [draw(3000, seed=seed)[: 3000 - 500 * seed] for seed in range(5)]
    basis = fit(moments(sets, 9))
    borders = edges(*extremes(sets, basis), 70)
    return np.stack([histograms(filters, basis, borders)[:, :-1] for filters in sets]), borders, basis, sets


def test_no_probability_is_less_than_epsilon(counts):
    probabilities = distributions(counts[0], 0.1, PAPER)
    assert (counts[0] == 0).any()
    assert probabilities.min() == pytest.approx(PAPER.epsilon, rel=70 * PAPER.epsilon)
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, rtol=1e-14)
    frequencies = counts[0] / counts[0].sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(probabilities[counts[0] > 0], frequencies[counts[0] > 0], rtol=71 * PAPER.epsilon)


def test_the_notebooks_floor_is_a_density(counts):
    histogram_counts, borders, _, sets = counts
    width = borders[1] - borders[0]
    probabilities = distributions(histogram_counts, width, NOTEBOOK)
    for number, filters in enumerate(sets):
        for i, column in enumerate(coefficients(filters, counts[2]).T):
            density = np.histogram(column, 70, (borders[0], borders[-1]), density=True)[0]
            density[density == 0] = np.finfo(np.float32).eps
            np.testing.assert_allclose(probabilities[number, i], density / density.sum(), rtol=1e-12)
    assert not np.allclose(probabilities, distributions(histogram_counts, width, PAPER), rtol=1e-9, atol=0)


@pytest.mark.parametrize("analysis", [PAPER, NOTEBOOK])
def test_divergence_is_scipys(counts, analysis):
    groups = distributions(counts[0], 0.1, analysis)
    for p in groups:
        for q in groups:
            expected = [entropy(p[i], q[i]) + entropy(q[i], p[i]) for i in range(9)]
            np.testing.assert_allclose(symmetric_kl(p, q), expected, rtol=1e-9, atol=1e-12)


def test_drift_is_weighted_symmetric_and_zero_for_equal_sets(counts):
    basis = counts[2]
    groups = distributions(counts[0], 0.1, PAPER)
    matrix = pairwise_drift(np.concatenate([groups, groups[:1]]), basis.ratios)
    assert matrix[0, 1] == pytest.approx(drift(groups[0], groups[1], basis.ratios))
    assert matrix[0, 1] == pytest.approx(pairwise_kl(groups)[0, 1] @ basis.ratios)
    np.testing.assert_array_equal(matrix, matrix.T)
    assert matrix[0, 5] == 0
    assert not np.diag(matrix).any()
    assert (matrix[:5, :5][~np.eye(5, dtype=bool)] > 0).all()


def test_permuting_the_filters_changes_nothing(counts):
    _, borders, basis, sets = counts
    shuffled = np.random.default_rng(0).permutation(sets[1])
    one, other = (distributions(histograms(part, basis, borders)[:, :-1], 0.1, PAPER) for part in (sets[1], shuffled))
    assert drift(one, other, basis.ratios) == 0


def test_a_group_without_filters_has_no_distribution(counts):
    empty = counts[0].copy()
    empty[2] = 0
    with pytest.raises(KeyfiltersError, match="no filters within the range"):
        distributions(empty, 0.1, PAPER)


def test_where_nothing_varies_nothing_drifts(counts):
    groups = distributions(counts[0], 0.1, PAPER)
    basis = fit(moments(np.zeros((10, 9)), 9))
    assert not pairwise_drift(groups, basis.ratios).any()
