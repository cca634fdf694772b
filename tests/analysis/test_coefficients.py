"""Histograms are numpy's to the count."""

import numpy as np
import pytest

from keyfilters.analysis import kernels
from keyfilters.analysis.basis import Basis, fit
from keyfilters.analysis.coefficients import bounds, coefficients, edges, extremes, histograms
from keyfilters.analysis.moments import moments
from tests.helpers.drawn_filters import draw


def identity(dimensions: int) -> Basis:
    return Basis(1, np.zeros(dimensions), np.eye(dimensions), np.ones(dimensions))


def reference(values: np.ndarray, bins: int, low: float, high: float) -> np.ndarray:
    inside = np.stack([np.histogram(column, bins, (low, high))[0] for column in values.T])
    return np.column_stack([inside, len(values) - inside.sum(axis=1)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("dimensions", "bins"), [(9, 70), (25, 70), (49, 7)])
def test_counts_over_the_observed_range_are_numpys(dimensions, bins, dtype):
    filters = draw(30_000, dimensions, dtype=dtype)
    basis = fit(moments(filters, dimensions))
    values = coefficients(filters, basis)
    low, high = extremes(filters, basis)
    assert (low, high) == (values.min(), values.max())
    for threads in (1, 3):
        counts = histograms(np.array_split(filters, 4), basis, edges(low, high, bins), threads)
        np.testing.assert_array_equal(counts, reference(values, bins, low, high))
    assert not counts[:, -1].any()


@pytest.mark.parametrize("bins", [1, 3, 10, 49, 70, 1000])
@pytest.mark.parametrize(
    ("low", "high"), [(-0.5, 0.5), (-0.7, 0.3), (-1 / 3, 0.1), (0, 0.5), (-1e-9, 1e-9), (0.2, 0.9)]
)
def test_values_on_edges_and_beside_them_are_counted_as_numpy_does(low, high, bins):
    borders = np.linspace(low, high, bins + 1)
    values = np.concatenate([borders, np.nextafter(borders, -np.inf), np.nextafter(borders, np.inf)])
    # A second weight of 4 is every filter's peak, by which the first becomes the value again, to the last bit.
    filters = np.column_stack([values * 4, np.full_like(values, 4)])
    counts = histograms(filters, identity(2), edges(low, high, bins))
    np.testing.assert_array_equal(counts, reference(filters / 4, bins, low, high))
    assert counts[0, -1] == 2  # beyond both ends


def test_edges_are_numpys():
    for low, high, bins in ((-2.9, 3.1, 70), (0.5, 0.5, 70), (-1e-30, 1e-30, 3)):
        np.testing.assert_array_equal(edges(low, high, bins), np.histogram([], bins, (low, high))[1])


def test_no_coefficient_leaves_the_bounds():
    filters = draw(20_000)
    basis = fit(moments(filters, 9))
    low, high = bounds(basis)
    # The filters that go farthest are signs of a component.
    far = np.concatenate([filters, np.sign(basis.components), -np.sign(basis.components)]).astype(np.float32)
    lowest, highest = extremes(far, basis)
    assert (lowest, highest) == pytest.approx((low, high), rel=1e-6)
    assert low <= lowest
    assert highest <= high


def test_no_filters_and_all_zero_filters_have_defined_histograms():
    basis = identity(9)
    assert extremes([], basis) == (np.inf, -np.inf)
    assert not histograms([], basis, edges(-1, 1, 70)).any()
    zeros = np.zeros((1000, 9), np.float32)
    assert extremes(zeros, basis) == (0, 0)
    counts = histograms(zeros, basis, edges(0, 0, 70))
    assert counts[:, 35].tolist() == [1000] * 9


def test_what_is_no_number_is_counted_outside():
    filters = np.full((10, 9), np.nan, np.float32)
    assert histograms(filters, identity(9), edges(-1, 1, 70))[:, -1].tolist() == [10] * 9


def test_a_kernel_is_compiled_where_no_cache_can_be_written(monkeypatch):
    def njit(cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(kernels.numba, "njit", njit)
    assert kernels._compiled()(len)([1, 2]) == 2
