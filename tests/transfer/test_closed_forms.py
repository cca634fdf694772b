"""Closed forms: the discrete Gaussian has its theory's properties, and the nearest a x + b is the nearest."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from keyfilters.transfer import shapes
from keyfilters.transfer.closed_forms import SCALES, SEPARABLE, closed_forms
from keyfilters.transfer.closed_forms import shapes as of_size

SEEDS = st.integers(0, 2**31)
SIZES = st.sampled_from([(3, 3), (5, 5), (7, 7), (3, 7)])


def drawn(seed, size=(7, 7), channels=2):
    return torch.randn(channels, *size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def nearest(weight):
    return shapes.nearest(weight, of_size(*weight.shape[1:]))


def along(scale):
    """The Gaussian along one axis."""
    row = closed_forms(scale, 1, 41)[0][0]
    return row / row.sum()


@pytest.mark.parametrize(("one", "other"), [(0.3, 0.9), (1.0, 1.5)])
def test_discrete_gaussians_are_a_semi_group(one, other):
    """Which sampled ones are not: smoothing twice is smoothing by the sum of the variances."""
    smoothed = np.convolve(along(one), along(other), mode="same")
    np.testing.assert_allclose(smoothed, along(one + other), atol=1e-12)


@pytest.mark.parametrize("scale", [0.2, 1.0, 2.5])
def test_the_variance_of_a_discrete_gaussian_is_its_scale(scale):
    gaussian = closed_forms(scale, 41, 41)[0]
    at = np.arange(41) - 20
    assert gaussian.sum() == pytest.approx(1)
    assert (gaussian.sum(0) * at**2).sum() == pytest.approx(scale)
    assert (gaussian.sum(1) * at**2).sum() == pytest.approx(scale)


def test_differences_of_second_order_are_the_slope_in_scale():
    """The diffusion equation, exact for the discrete Gaussian: dT/dt = (T_xx + T_yy) / 2."""
    step = 1e-5
    before, after = (closed_forms(1 + sign * step, 9, 9)[0] for sign in (-1, 1))
    laplacian = closed_forms(1, 9, 9)[len(SEPARABLE)]
    np.testing.assert_allclose((after - before) / (2 * step), laplacian / 2, atol=1e-8)


def test_without_smoothing_the_forms_are_the_differences_themselves():
    gaussian, down, across, *_ = closed_forms(0, 3, 3)
    assert gaussian.tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert np.array_equal(across, down.T)
    assert across.tolist() == [[0, 0, 0], [-0.5, 0, 0.5], [0, 0, 0]]


@settings(deadline=None)  # a first call makes the family
@given(st.sampled_from(SCALES), st.integers(0, len(SEPARABLE) + 1), st.floats(-5, 5), st.floats(-5, 5), SIZES)
def test_a_x_plus_b_of_a_closed_form_is_its_own_nearest(scale, number, a, b, size):
    form = torch.from_numpy(a * closed_forms(scale, *size)[number] + b)[None]
    torch.testing.assert_close(nearest(form), form, rtol=0, atol=1e-9)


@settings(deadline=None)  # a first call makes the family
@given(SEEDS, SIZES)
def test_what_is_nearest_is_nearer_than_a_constant_and_its_own_nearest(seed, size):
    weight = drawn(seed, size)
    fitted = nearest(weight)
    assert fitted.shape == weight.shape
    torch.testing.assert_close(nearest(fitted), fitted)
    residual, spread = weight - fitted, weight - weight.mean((1, 2), keepdim=True)
    assert (residual.flatten(1).norm(dim=1) < spread.flatten(1).norm(dim=1)).all()
    torch.testing.assert_close(fitted.mean((1, 2)), weight.mean((1, 2)))
    torch.testing.assert_close((residual * fitted).sum((1, 2)), torch.zeros(2, dtype=weight.dtype))


@settings(deadline=None)  # a first call makes the family
@given(SEEDS)
def test_no_other_form_of_the_family_lies_nearer(seed):
    weight = drawn(seed, channels=1)
    least = (weight - nearest(weight)).norm()
    for scale in SCALES[::8]:
        for form in closed_forms(scale, 7, 7):
            x = np.column_stack([form.ravel(), np.ones(49)])
            fitted = x @ np.linalg.lstsq(x, weight.flatten().numpy(), rcond=None)[0]
            assert np.linalg.norm(weight.flatten().numpy() - fitted) >= least - 1e-9


@settings(deadline=None)  # a first call makes the family
@given(SEEDS, st.floats(-3, 3), st.floats(-3, 3))
def test_it_goes_with_factor_and_offset_of_the_filter(seed, factor, offset):
    weight = drawn(seed)
    torch.testing.assert_close(nearest(factor * weight + offset), factor * nearest(weight) + offset)


def test_a_filter_of_one_tap_and_a_constant_one_stay():
    for weight in (torch.full((3, 1, 1), 2.5), torch.full((1, 7, 7), -1.0)):
        torch.testing.assert_close(nearest(weight), weight)
