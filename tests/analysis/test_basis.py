"""The basis is scikit-learn's, with signs that do not depend on the run."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from keyfilters.analysis.basis import Basis, fit
from keyfilters.analysis.coefficients import coefficients
from keyfilters.analysis.moments import empty, moments
from keyfilters.errors import KeyfiltersError
from tests.helpers.drawn_filters import draw, scaled


@pytest.mark.parametrize(("dtype", "precision"), [(np.float64, 1e-6), (np.float32, 1e-4)])
@pytest.mark.parametrize("dimensions", [9, 25, 49])
def test_components_and_ratios_are_scikit_learns(dimensions, dtype, precision):
    filters = draw(20_000, dimensions, dtype=dtype)
    basis = fit(moments(filters, dimensions))
    reference = PCA(svd_solver="full").fit(scaled(filters))
    cosines = np.abs((basis.components * reference.components_).sum(axis=1))
    assert (cosines > 1 - 1e-6).all()
    np.testing.assert_allclose(basis.ratios, reference.explained_variance_ratio_, rtol=precision)
    np.testing.assert_allclose(basis.variances, reference.explained_variance_, rtol=precision)
    np.testing.assert_allclose(basis.mean, reference.mean_, atol=1e-6)


def test_coefficients_are_scikit_learns_and_give_the_filters_back():
    filters = draw(3000, dtype=np.float64)
    basis = fit(moments(filters, 9))
    reference = PCA(svd_solver="full").fit(scaled(filters))
    signs = np.sign((basis.components * reference.components_).sum(axis=1))
    transformed = coefficients(filters, basis)
    np.testing.assert_allclose(transformed, reference.transform(scaled(filters)) * signs, atol=1e-12)
    np.testing.assert_allclose(transformed @ basis.components + basis.mean, scaled(filters), atol=1e-12)  # (3)
    np.testing.assert_allclose(basis.zero_filter, coefficients(np.zeros((1, 9)), basis)[0], atol=1e-15)


def test_signs_do_not_depend_on_the_order_of_the_filters():
    filters = draw(5000)
    one, other = (fit(moments(ordered, 9)) for ordered in (filters, filters[::-1]))
    assert ((one.components * other.components).sum(axis=1) > 0).all()


def test_of_entries_of_one_size_the_first_is_positive():
    pairs = np.array([[1.0, -1.0], [-1.0, 1.0]] * 50) * np.linspace(1, 2, 100)[:, None]
    noisy = pairs * (1 + np.random.default_rng(0).standard_normal((100, 2)) * 1e-12)
    for filters in (pairs, noisy, noisy[::-1]):
        assert fit(moments(filters, 2, scaled=False)).components[0] @ [1, -1] > 0


def test_what_does_not_vary_has_ratios_of_zero():
    for filters in (draw(1), np.zeros((500, 9)), np.tile(draw(1), (500, 1))):
        basis = fit(moments(filters, 9))
        assert basis.ratios.tolist() == [0] * 9
        assert isinstance(basis, Basis)


def test_no_filters_have_no_basis():
    with pytest.raises(KeyfiltersError, match="no filters"):
        fit(empty(9))
