import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from gan_jax.markov import GaussianTransition, fit_transition, transition_nll

generator = np.random.default_rng(0)


def test_the_fit_is_least_squares():
    sequences = generator.normal(size=(50, 9)).cumsum(axis=1).astype(np.float32)
    before, after = sequences[:, :-1].ravel(), sequences[:, 1:].ravel()
    expected = stats.linregress(before, after)
    fitted = fit_transition(sequences)
    np.testing.assert_allclose(fitted.slope, expected.slope, rtol=1e-4)
    np.testing.assert_allclose(fitted.intercept, expected.intercept, rtol=1e-3, atol=1e-4)
    residual = after - expected.intercept - expected.slope * before
    np.testing.assert_allclose(fitted.scale, residual.std(), rtol=1e-4)


def test_the_fit_finds_the_transition_that_drew_the_sequences():
    sequences = np.zeros((2000, 40), np.float32)
    for t in range(1, 40):
        noise = generator.normal(size=2000)
        sequences[:, t] = 0.5 + 0.8 * sequences[:, t - 1] + 0.3 * noise
    np.testing.assert_allclose(fit_transition(sequences), (0.5, 0.8, 0.3), atol=5e-3)


def test_nll_is_that_of_scipy_and_a_mean_over_time():
    transition = GaussianTransition(jnp.float32(0.2), jnp.float32(-0.6), jnp.float32(0.7))
    sequences = generator.normal(size=(5, 8)).astype(np.float32)
    means = 0.2 - 0.6 * sequences[:, :-1]
    expected = -stats.norm.logpdf(sequences[:, 1:], means, 0.7).mean(axis=1)
    np.testing.assert_allclose(transition_nll(transition, sequences), expected, rtol=1e-5)


def test_by_hand():
    """Residuals 0 and 1 at scale 1: the mean of 0 and 1/2, plus log(2 pi) / 2."""
    transition = GaussianTransition(jnp.float32(0.0), jnp.float32(1.0), jnp.float32(1.0))
    found = transition_nll(transition, jnp.array([[2.0, 2.0, 3.0]]))
    np.testing.assert_allclose(found, [0.25 + 0.5 * np.log(2 * np.pi)], rtol=1e-6)


def test_the_fit_is_where_the_likelihood_of_the_real_sequences_is_greatest():
    sequences = jnp.asarray(generator.normal(size=(30, 7)).cumsum(axis=1), jnp.float32)
    gradient = jax.grad(lambda fit: transition_nll(fit, sequences).mean())(
        fit_transition(sequences)
    )
    np.testing.assert_allclose(gradient, np.zeros(3), atol=1e-4)


@pytest.mark.parametrize(
    "sequences, message",
    [
        (np.zeros((3, 1), np.float32), "T >= 2"),
        (np.ones((3, 5), np.float32), "constant"),
    ],
)
def test_refusals(sequences, message):
    with pytest.raises(ValueError, match=message):
        fit_transition(sequences)
