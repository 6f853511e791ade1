"""Sampled data against the distributions that they are said to come from."""

import numpy as np
import pytest
from scipy import stats

from gan_jax.data.synthetic import autoregression, mixture_of_normals
from gan_jax.metrics.autocorrelation import autocorrelation


def test_the_mixture_is_the_mixture():
    drawn = mixture_of_normals(20_000, means=(0.3, 0.7), std=0.05, seed=0, bounds=(0.0, 1.0))
    assert drawn.shape == (20_000, 1) and drawn.dtype == np.float32

    def distribution(x):
        return 0.5 * (stats.norm.cdf(x, 0.3, 0.05) + stats.norm.cdf(x, 0.7, 0.05))

    assert stats.kstest(drawn[:, 0], distribution).pvalue > 0.01


def test_the_bounds_hold_and_seeds_differ():
    options = dict(means=(0.1, 0.9), std=0.2, bounds=(0.0, 1.0))
    drawn = mixture_of_normals(1000, seed=0, **options)
    assert 0 < drawn.min() and drawn.max() < 1
    np.testing.assert_array_equal(drawn, mixture_of_normals(1000, seed=0, **options))
    assert not np.array_equal(drawn, mixture_of_normals(1000, seed=1, **options))


@pytest.mark.parametrize("a, b", [(1.2, -0.5), (0.3, 0.4), (-0.6, 0.2)])
def test_autoregression_has_the_moments_of_the_textbook(a, b):
    """rho_1 = a / (1 - b), rho_2 = a rho_1 + b; stationary from the first step on."""
    drawn = autoregression(20_000, length=12, coefficients=(a, b), seed=0, std=2.0)
    rho = a / (1 - b)
    np.testing.assert_allclose(drawn.std(axis=0), 2.0, rtol=0.03)
    for start in (slice(0, 3), slice(9, 12)):
        np.testing.assert_allclose(autocorrelation(drawn[:, start]), rho, atol=0.02)
        np.testing.assert_allclose(autocorrelation(drawn[:, start], lag=2), a * rho + b, atol=0.03)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: mixture_of_normals(5, means=(1.5,), std=1, seed=0, bounds=(0, 1)), "inside"),
        (lambda: mixture_of_normals(5, means=(0.5,), std=0, seed=0), "must be positive"),
        (lambda: autoregression(5, length=4, coefficients=(1.0, 0.1), seed=0), "not stationary"),
        (lambda: autoregression(5, length=1, coefficients=(0.5, 0), seed=0), "length at least 2"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
