"""Figures of scalars, sequences and modes, against scipy and closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from references import always, rows_of
from scipy import stats

from gan_jax.data import ArraySource, Data, as_is
from gan_jax.metrics.autocorrelation import autocorrelation
from gan_jax.metrics.evaluators import vectors
from gan_jax.metrics.modes import kl_to_uniform, modes_covered
from gan_jax.metrics.wasserstein import wasserstein_1

scalars = arrays(np.float64, st.integers(1, 30), elements=st.floats(-5, 5, width=32))


@given(scalars, scalars)
def test_wasserstein_is_that_of_scipy(x, y):
    np.testing.assert_allclose(wasserstein_1(x, y), stats.wasserstein_distance(x, y), atol=1e-9)


@given(scalars, st.floats(-3, 3))
def test_wasserstein_of_a_shift_is_the_shift(x, shift):
    np.testing.assert_allclose(wasserstein_1(x, x + shift), abs(shift), atol=1e-9)


def test_wasserstein_of_sets_of_one_size_is_the_mean_distance_of_the_sorted():
    x, y = np.random.default_rng(0).normal(size=(2, 50))
    np.testing.assert_allclose(wasserstein_1(x, y), np.abs(np.sort(x) - np.sort(y)).mean())


def test_autocorrelation_by_hand():
    """A period of four: neighbours are uncorrelated, every second value is the opposite."""
    waves = np.array([[0.0, 1.0, 0.0, -1.0] * 30, [1.0, 0.0, -1.0, 0.0] * 30])
    np.testing.assert_allclose(autocorrelation(waves), 0.0, atol=0.01)
    np.testing.assert_allclose(autocorrelation(waves, lag=2), -1.0, atol=0.02)
    np.testing.assert_allclose(autocorrelation(waves, lag=4), 1.0, atol=0.02)
    np.testing.assert_allclose(autocorrelation(7 - 3 * waves, lag=2), -1.0, atol=0.02)


def test_modes_by_hand():
    modes = np.array([0, 0, 3, 3])
    assert modes_covered(modes, 4) == 2
    np.testing.assert_allclose(kl_to_uniform(modes, 4), np.log(2))
    np.testing.assert_allclose(kl_to_uniform(np.zeros(9, int), 4), np.log(4))
    assert kl_to_uniform(np.arange(4), 4) == 0.0


def test_the_floor_of_the_divergence_of_a_perfect_sampler():
    """About (K - 1) / (2 N): 0.0192 for 1,000 modes and 26,000 samples."""
    generator = np.random.default_rng(0)
    found = [kl_to_uniform(generator.integers(1000, size=26_000), 1000) for _ in range(5)]
    np.testing.assert_allclose(np.mean(found), 0.0192, rtol=0.03)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: wasserstein_1([], [1.0]), "first is empty"),
        (lambda: wasserstein_1([1.0], [np.nan]), "second holds NaN"),
        (lambda: autocorrelation(np.zeros((2, 3)), lag=3), "1 <= lag < T"),
        (lambda: autocorrelation(np.ones((2, 3))), "constant"),
        (lambda: autocorrelation(np.full((2, 3), np.inf)), "NaN or infinity"),
        (lambda: modes_covered(np.array([0.5]), 4), "must be integers"),
        (lambda: kl_to_uniform(np.array([4]), 4), r"in 0 \.\. 3"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def data_of(training, held_out):
    sources = [ArraySource({"real": rows.astype(np.float32)}) for rows in (training, held_out)]
    return Data(source_fn=lambda: sources[0], held_out_fn=lambda: sources[1], prepare_fn=as_is)


def test_the_evaluators_of_vectors_know_real_from_noise():
    generator = np.random.default_rng(0)
    data = data_of(*generator.normal(0.5, 0.1, (2, 500, 1)))
    rows = rows_of(vectors.scalars(data), data, collapsed=always(np.full((1, 1), 0.5)))
    assert rows["real"]["wasserstein_1"] < 0.01 < rows["noise"]["wasserstein_1"]
    # the mean distance of a normal variable from its mean
    np.testing.assert_allclose(
        rows["collapsed"]["wasserstein_1"], 0.1 * np.sqrt(2 / np.pi), rtol=0.1
    )
    data = data_of(*generator.normal(size=(2, 500, 20)).cumsum(axis=2))
    rows = rows_of(vectors.sequences(data), data)
    assert rows["real"]["lag_1_error"] < 0.02 < 0.8 < rows["noise"]["lag_1_error"]
    assert rows["real"]["transition_nll"] < rows["noise"]["transition_nll"]
