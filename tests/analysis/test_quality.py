"""Sparsity, entropy, randomness and verdicts: against the authors' package, and what degenerate layers give."""

import numpy as np
import pytest
import torch
import torchconvquality
from scipy.stats import entropy as scipy_entropy

from keyfilters.analysis import randomness
from keyfilters.analysis.degeneration import entropy, sparsity
from keyfilters.analysis.layers import measure
from keyfilters.analysis.quality import of_layer, verdict
from keyfilters.analysis.randomness import EXACT, PUBLISHED, fitted
from keyfilters.config.analysis import Analysis
from keyfilters.errors import KeyfiltersError
from tests.helpers.drawn_filters import draw

PAPER, NOTEBOOK = Analysis(), Analysis(sparse="below")


def layer(filters, analysis=PAPER):
    [(_, statistics)] = measure([("layer", filters)])
    return of_layer(statistics.raw, statistics.peaks, analysis)


def random_layer(count=4096, dimensions=9, seed=0):
    return np.random.default_rng(seed).standard_normal((count, dimensions)).astype(np.float32)


@pytest.mark.parametrize("shape", [(64, 32, 3, 3), (16, 3, 3, 3), (96, 1, 7, 7), (8, 8, 5, 5)])
def test_quality_is_that_of_the_authors_package(shape):
    """torchconvquality computes in float32, so its entropy agrees to single precision."""
    count, dimensions = shape[0] * shape[1], shape[2] * shape[3]
    filters = draw(count, dimensions)
    reference = torchconvquality.measure_conv_weight_quality(torch.from_numpy(filters.reshape(shape)))
    quality = layer(filters, NOTEBOOK)
    assert quality.sparsity == pytest.approx(reference["sparsity"], abs=1e-7)
    assert quality.entropy == pytest.approx(reference["variance_entropy"], rel=1e-5)
    if dimensions == 9:
        # Its threshold has more digits of the same constants; it divides the entropy by it.
        threshold = reference["variance_entropy"] / reference["variance_entropy_norm"]
        assert quality.threshold == pytest.approx(threshold, abs=3e-3)


def test_known_differences_from_the_authors_package():
    zeros = torch.zeros(8, 8, 3, 3)
    assert torchconvquality.sparsity(zeros)[0] == 1  # its notebook: 0; (6): 1
    assert (layer(np.zeros((64, 9))).sparsity, layer(np.zeros((64, 9)), NOTEBOOK).sparsity) == (1, 0)
    # A filter exactly at the threshold is sparse by (6), and not by either code.
    at_threshold = np.full((4, 9), 1.0)
    at_threshold[0] = 0.01
    assert (layer(at_threshold).sparsity, layer(at_threshold, NOTEBOOK).sparsity) == (0.25, 0)
    # Where a ratio is zero, its logarithm gives the package NaN; 0 log 0 is 0.
    flat = torch.zeros(4, 4, 3, 3)
    flat[0, 0] = 1
    assert np.isnan(torchconvquality.variance_entropy(flat)[0])
    assert layer(flat.reshape(-1, 9).numpy()).entropy == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("dimensions", [9, 25])
def test_entropy_is_scipys_of_the_explained_variances(dimensions):
    filters = draw(3000, dimensions, dtype=np.float64)
    variances = np.linalg.svd(filters - filters.mean(axis=0), compute_uv=False) ** 2 / 2999
    assert layer(filters).entropy == pytest.approx(scipy_entropy(variances, base=10), abs=1e-9)


def test_the_threshold_of_sparsity_is_a_setting():
    filters = np.diag(np.linspace(0.1, 1, 9))
    assert [layer(filters, Analysis(sparse_share=share)).sparsity for share in (0, 0.2, 0.5)] == [0, 1 / 9, 4 / 9]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (np.zeros((500, 9)), (1, 0, "sparse")),
        (np.zeros((1, 9)), (1, 0, "sparse")),
        (np.ones((1, 9)), (0, 0, "too few")),
        (np.ones((500, 9)), (0, 0, "low diversity")),
        (np.full((500, 9), 1e-30), (0, 0, "low diversity")),
    ],
)
def test_degenerate_layers_have_defined_answers(filters, expected):
    quality = layer(filters.astype(np.float32))
    assert (quality.sparsity, quality.entropy, quality.verdict) == expected
    assert np.isfinite([quality.threshold, quality.fitted_threshold]).all()


def test_verdicts_of_the_three_degenerations():
    noise = random_layer()
    assert layer(noise).verdict == "random"
    one_direction = noise[:, :1] * np.linspace(1, 2, 9, dtype=np.float32) + noise * 1e-3
    assert layer(one_direction).verdict == "low diversity"
    sparse = noise.copy()
    sparse[:3000] *= 1e-6
    assert layer(sparse).verdict == "sparse"
    smooth = noise * np.linspace(0.2, 2, 9, dtype=np.float32)
    assert layer(smooth).verdict == "regular"
    assert layer(smooth[:44]).verdict == "too few"
    assert layer(smooth[:45]).verdict == "regular"


def test_thresholds_of_verdicts_are_settings():
    assert verdict(1000, 9, 0.6, 0.5, 0.9, Analysis(sparse_above=0.7)) == "regular"
    assert verdict(1000, 9, 0.6, 0.5, 0.9, PAPER) == "sparse"
    assert verdict(1000, 9, 0, 0.5, 0.9, Analysis(low_diversity_below=0.6)) == "low diversity"
    assert verdict(50, 9, 0, 0.5, 0.9, Analysis(filters_per_weight=10)) == "too few"


def test_the_published_threshold_is_the_papers():
    # Values of (8) with the constants of torchconvquality, which the paper rounds to two digits.
    for filters, expected in ((9, 0.5515), (64, 0.9056), (1024, 0.9499)):
        assert PUBLISHED(filters) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("dimensions", [4, 9, 25, 49])
def test_the_fit_is_near_the_entropies_it_is_made_to(dimensions):
    threshold = fitted(dimensions)
    assert threshold.deviation < 0.05
    assert threshold(10**9) < np.log10(dimensions)  # else no layer could be random
    for filters in (16, 256, 4000):
        drawn = [layer(random_layer(filters, dimensions, seed)).entropy for seed in range(20)]
        assert threshold(filters) == pytest.approx(min(drawn), abs=0.06)


def test_the_fit_is_the_same_every_time():
    assert fitted.__wrapped__(9) == fitted(9)


def test_our_constants_differ_from_the_papers_more_than_the_curves_do():
    filters = 2 ** np.arange(6, 16)
    np.testing.assert_allclose(fitted(9)(filters), PUBLISHED(filters), atol=0.01)


def test_other_sizes_of_kernels_have_the_fitted_threshold():
    quality = layer(random_layer(4096, 25))
    assert quality.threshold == quality.fitted_threshold
    assert quality.verdict == "random"
    nine = layer(random_layer()), layer(random_layer(), Analysis(randomness="fitted"))
    assert [q.threshold for q in nine] == [float(PUBLISHED(4096)), float(fitted(9)(4096))]


def test_layers_come_apart_and_blocks_together():
    one, two = draw(900), draw(400, 25, seed=1)
    blocks = [("one", one[:500]), ("one", one[500:]), ("two", two)]
    by_layer = dict(measure(blocks, threads=2))
    assert list(by_layer) == ["one", "two"]
    np.testing.assert_allclose(by_layer["one"].raw.covariance, np.cov(one.T.astype(float)), rtol=1e-10)
    np.testing.assert_array_equal(by_layer["two"].peaks, np.abs(two).max(axis=1))


def test_a_layer_with_a_weight_that_is_no_number_is_named():
    filters = draw(100)
    filters[3] = np.nan
    with pytest.raises(KeyfiltersError, match=r"layer features\.0: weights are NaN"):
        list(measure([("features.0", filters)]))


def test_no_filters_have_no_sparsity_and_no_entropy():
    assert sparsity(np.empty(0), PAPER) == 0
    assert entropy(np.zeros((9, 9))) == 0
    assert randomness.PUBLISHED.deviation is None


def test_the_authors_constants_before_rounding_lie_a_thousandth_higher():
    exact = layer(random_layer(), Analysis(randomness="exact"))
    assert exact.threshold == float(EXACT(4096))
    sizes = np.array([64, 256, 4096, 65536])
    np.testing.assert_allclose(EXACT(sizes) - PUBLISHED(sizes), 0.001, atol=0.0005)
