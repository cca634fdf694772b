"""Moments in blocks are those of the whole, whatever the blocks and threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyfilters.analysis import streaming
from keyfilters.analysis.coefficients import scale
from keyfilters.analysis.moments import empty, merge, moments
from keyfilters.errors import KeyfiltersError
from tests.helpers.drawn_filters import draw, scaled


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dimensions", [1, 9, 25, 49])
def test_scaling_is_numpys_bit_for_bit(dimensions, dtype):
    filters = draw(1500, dimensions, dtype=dtype)
    np.testing.assert_array_equal(scale(filters), scaled(filters))
    assert scale(filters).dtype == dtype


def test_the_smallest_weights_are_scaled_too():
    tiny = np.float32([[1e-45] * 8 + [0], [-3e-39, *[1e-39] * 8]])
    assert np.abs(scale(tiny)).max(axis=1).tolist() == [1, 1]


@pytest.mark.parametrize("is_scaled", [True, False])
@pytest.mark.parametrize("dimensions", [9, 25])
def test_moments_are_numpys(dimensions, is_scaled):
    filters = draw(5000, dimensions)
    values = (scaled(filters) if is_scaled else filters).astype(np.float64)
    computed = moments(filters, dimensions, scaled=is_scaled)
    assert computed.count == 5000
    np.testing.assert_allclose(computed.mean, values.mean(axis=0), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(computed.covariance, np.cov(values.T), rtol=1e-11, atol=1e-14)


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(0, 3000), max_size=6), seed=st.integers(0, 3))
def test_merged_moments_are_those_of_the_whole(cuts, seed):
    filters = draw(3000, seed=seed)
    parts = np.split(filters, sorted(cuts))
    whole = moments(filters, 9)
    for merged in (merge((moments(part, 9) for part in parts), 9), moments(parts, 9)):
        assert merged.count == whole.count
        np.testing.assert_allclose(merged.mean, whole.mean, rtol=1e-9)
        np.testing.assert_allclose(merged.scatter, whole.scatter, rtol=1e-9)


def test_neither_threads_nor_chunks_change_the_numbers(monkeypatch):
    filters = draw(40_000)
    expected = moments(filters, 9, threads=1)
    for chunk in (1 << 12, 36 * 517, 1 << 22):
        monkeypatch.setattr(streaming, "CHUNK_BYTES", chunk)
        by_threads = [moments(filters, 9, threads=threads) for threads in (1, 2, 5)]
        np.testing.assert_allclose(by_threads[0].scatter, expected.scatter, rtol=1e-11)
        for parallel in by_threads[1:]:
            np.testing.assert_array_equal(parallel.scatter, by_threads[0].scatter)


def test_a_small_variance_beside_a_large_mean_keeps_its_digits():
    noise = np.random.default_rng(0).standard_normal((4000, 9)) * 1e-6
    computed = moments(noise + 1000, 9, scaled=False)
    np.testing.assert_allclose(computed.covariance, np.cov((noise + 1000 - 1000).T), rtol=1e-9, atol=1e-18)


def test_equal_filters_have_no_scatter_at_all():
    filters = np.tile(draw(1), (1237, 1))
    assert not moments(filters, 9).scatter.any()
    assert not moments([filters[:100], filters], 9, scaled=False).scatter.any()


def test_one_filter_and_none_have_defined_moments():
    assert not moments(draw(1), 9).covariance.any()
    assert moments([], 9).count == 0
    assert not (empty(9) + empty(9)).covariance.any()


@pytest.mark.fault("analysis", "a weight that is NaN or infinite", "one line names its layer")
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_weight_that_is_no_number_is_refused(value):
    filters = draw(3000)
    filters[2900, 4] = value
    with pytest.raises(KeyfiltersError, match="NaN or infinite"):
        moments(filters, 9)
