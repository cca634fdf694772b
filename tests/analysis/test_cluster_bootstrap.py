"""Means with intervals over clusters of networks."""

import numpy as np
import pytest

from keyfilters.analysis.cluster_bootstrap import ClusterBootstrap, interval
from keyfilters.results.filterdb.filterdb_claims import Row


def test_the_first_is_the_mean_itself_and_a_cluster_drawn_twice_counts_twice():
    bootstrap = ClusterBootstrap(3, 200)
    values, cluster = np.array([1.0, 2.0, 3.0, 10.0]), np.array([0, 0, 1, 2])
    means = bootstrap.mean(values, cluster)
    assert means[0] == values.mean()
    for counts, mean in zip(bootstrap.counts[1:6], means[1:6], strict=True):
        expected = np.repeat(values, counts[cluster].astype(int)).mean()
        assert mean == pytest.approx(expected)


def test_copies_of_a_networks_layers_make_no_interval_narrower():
    values, cluster = np.arange(5.0), np.arange(5)
    bootstrap = ClusterBootstrap(5, 500)
    once = interval(bootstrap.mean(values, cluster))
    often = interval(bootstrap.mean(np.repeat(values, 100), np.repeat(cluster, 100)))
    assert once == pytest.approx(often)


def test_a_pair_counts_as_often_as_both_of_its_clusters():
    bootstrap = ClusterBootstrap(3, 50)
    values, one, other = np.array([1.0, 5.0, 2.0]), np.array([0, 0, 1]), np.array([1, 2, 1])
    means = bootstrap.mean_of_pairs(values, one, other)
    assert means[0] == pytest.approx(values.mean())
    for (a, b, c), mean in zip(bootstrap.counts, means, strict=True):
        weights = np.array([a * b, a * c, b])  # the last is of two networks of one cluster
        if weights.sum():
            assert mean == pytest.approx((weights * values).sum() / weights.sum())
        else:
            assert np.isnan(mean)


@pytest.mark.parametrize(
    ("rule", "paper", "draws", "clusters", "verdict"),
    [
        ("number", 0.5, [0.4, 0.6], 9, "inside"),
        ("number", 0.7, [0.4, 0.6], 9, "outside"),
        ("above zero", None, [0.1, 0.2], 9, "supported"),
        ("above zero", None, [-0.2, -0.1], 9, "contradicted"),
        ("above zero", None, [-0.2, 0.1], 9, "undecided"),
        ("no difference", None, [-0.2, 0.1], 9, "supported"),
        ("no difference", None, [-0.2, 0.4], 9, "undecided"),
        ("no difference", None, [0.31, 0.4], 9, "contradicted"),
        ("above zero", None, [0.1, 0.2], 4, "too few networks"),
        ("above zero", None, [np.nan, np.nan], 9, "too few networks"),
    ],
)
def test_verdicts_follow_from_the_interval_by_rules_fixed_beforehand(rule, paper, draws, clusters, verdict):
    assert Row("", "", rule, paper, np.array([0.0, *draws]), clusters, margin=0.3).verdict == verdict
