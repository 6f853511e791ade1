import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_jax import losses
from gan_jax.testing import loss_laws

FACTORIES = {
    "non_saturating": losses.non_saturating,
    "minimax": losses.minimax,
    "least_squares": losses.least_squares,
    "hinge": losses.hinge,
    "wasserstein": losses.wasserstein,
    "relativistic_pairing": losses.relativistic_pairing,
    "relativistic_average": losses.relativistic_average,
}
SMOOTHED = ("non_saturating", "minimax", "least_squares")
WEIGHTED = (*SMOOTHED, "hinge")
LOG_2, POSITIVE = np.log(2), (0.0, np.inf)

every_loss = pytest.mark.parametrize("name", FACTORIES)
vectors = st.lists(st.floats(-8, 8, width=32), min_size=4, max_size=4).map(jnp.float32)


def s(x):
    return 1 / (1 + np.exp(-x))


# Worked out by hand at real = (2, -1), fake = (0.5, 1): discriminator and generator per example.
BY_HAND = {
    "non_saturating": (
        [-np.log(s(2)) - np.log(1 - s(0.5)), -np.log(s(-1)) - np.log(1 - s(1))],
        [-np.log(s(0.5)), -np.log(s(1))],
    ),
    "minimax": (
        [-np.log(s(2)) - np.log(1 - s(0.5)), -np.log(s(-1)) - np.log(1 - s(1))],
        [np.log(1 - s(0.5)), np.log(1 - s(1))],
    ),
    "least_squares": ([0.5 * 1 + 0.5 * 0.25, 0.5 * 4 + 0.5 * 1], [0.125, 0.0]),
    "hinge": ([0 + 1.5, 2 + 2], [-0.5, -1]),
    "wasserstein": ([-1.5, 2], [-0.5, -1]),
    "relativistic_pairing": (
        [-np.log(s(1.5)), -np.log(s(-2))],
        [-np.log(s(-1.5)), -np.log(s(2))],
    ),
    # mean(fake) = 0.75, mean(real) = 0.5
    "relativistic_average": (
        [-np.log(s(1.25)) - np.log(1 - s(0)), -np.log(s(-1.75)) - np.log(1 - s(0.5))],
        [-np.log(1 - s(1.25)) - np.log(s(0)), -np.log(1 - s(-1.75)) - np.log(s(0.5))],
    ),
}


# What each claims beyond the laws of every loss.
CLAIMS = {
    "non_saturating": dict(
        optimum=0.0, indifferent=2 * LOG_2, generator_indifferent=LOG_2, bounded=POSITIVE
    ),
    "minimax": dict(
        optimum=0.0, indifferent=2 * LOG_2, generator_indifferent=-LOG_2, bounded=POSITIVE
    ),
    # a parabola: monotone between its targets only
    "least_squares": dict(
        monotone=(0.0, 1.0),
        optimum=0.5,
        indifferent=0.25,
        generator_indifferent=0.125,
        bounded=POSITIVE,
    ),
    "hinge": dict(optimum=0.0, indifferent=2.0, generator_indifferent=0.0, bounded=POSITIVE),
    "wasserstein": dict(shift_invariant=True, indifferent=0.0, generator_indifferent=0.0),
    "relativistic_pairing": dict(
        shift_invariant=True, mirrored=True, indifferent=LOG_2, bounded=POSITIVE
    ),
    "relativistic_average": dict(
        rows_apart=False,
        shift_invariant=True,
        mirrored=True,
        indifferent=2 * LOG_2,
        bounded=POSITIVE,
    ),
}
LAWS = [
    pytest.param(law, id=f"{name}: {law}")
    for name, make in FACTORIES.items()
    for law in loss_laws(make(), **CLAIMS[name])
]


@pytest.mark.parametrize("law", LAWS)
def test_law(law):
    law()


@every_loss
def test_value_worked_out_by_hand(name):
    loss = FACTORIES[name]()
    real, fake = jnp.array([2.0, -1.0]), jnp.array([0.5, 1.0])
    for fn, expected in zip(loss, BY_HAND[name], strict=True):
        np.testing.assert_allclose(fn(real, fake), expected, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(jax.jit(fn)(real, fake), expected, rtol=1e-6, atol=1e-7)


def test_a_refusal_says_what_to_do():
    for fn in losses.hinge():
        with pytest.raises(ValueError, match=r"same shape.*squeeze a trailing axis"):
            fn(jnp.ones(4), jnp.ones((4, 1)))
        with pytest.raises(ValueError, match=r"must be \[B\]"):
            fn(jnp.ones((4, 1)), jnp.ones((4, 1)))


@pytest.mark.parametrize("name", WEIGHTED)
def test_refuses_weights_out_of_range(name):
    for weights in ({"real_weight": -1.0}, {"fake_weight": float("nan")}):
        with pytest.raises(ValueError, match="finite number >= 0"):
            FACTORIES[name](**weights)


@pytest.mark.parametrize("name", SMOOTHED)
def test_refuses_smoothing_out_of_range(name):
    for smoothing in (-0.1, 1.0):
        with pytest.raises(ValueError, match="label_smoothing"):
            FACTORIES[name](label_smoothing=smoothing)


@given(real=vectors, fake=vectors, smoothing=st.floats(0, 0.5))
def test_softplus_form_is_the_textbook_cross_entropy(real, fake, smoothing):
    loss = losses.non_saturating(label_smoothing=smoothing, real_weight=0.9, fake_weight=0.1)
    real64, fake64 = np.float64(real), np.float64(fake)
    target = 1 - smoothing
    real_term = -target * np.log(s(real64)) - (1 - target) * np.log(1 - s(real64))
    expected = 0.9 * real_term - 0.1 * np.log(1 - s(fake64))
    np.testing.assert_allclose(loss.discriminator(real, fake), expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", WEIGHTED)
def test_weights_are_those_of_the_two_terms(name):
    real, fake = jnp.array([0.3, -0.8]), jnp.array([-0.2, 0.4])
    both = FACTORIES[name]().discriminator(real, fake)
    only_real = FACTORIES[name](fake_weight=0.0).discriminator(real, fake)
    only_fake = FACTORIES[name](real_weight=0.0).discriminator(real, fake)
    np.testing.assert_allclose(only_real + only_fake, both, rtol=1e-6)
    tripled = FACTORIES[name](real_weight=3.0).discriminator(real, fake)
    np.testing.assert_allclose(tripled, 3 * only_real + only_fake, rtol=1e-6)


def test_smoothing_moves_the_best_real_logit_to_the_target():
    loss = losses.non_saturating(label_smoothing=0.1)
    best = jnp.log(0.9 / 0.1)[None]
    gradient = jax.grad(lambda x: loss.discriminator(x, jnp.zeros(1)).sum())(best)
    np.testing.assert_allclose(gradient, 0.0, atol=1e-6)
    loss = losses.least_squares(label_smoothing=0.1)
    assert loss.discriminator(jnp.array([0.9]), jnp.zeros(1))[0] == 0.0


def test_the_relativistic_average_of_a_patch_is_over_the_examples_at_its_place():
    real, fake = jax.random.normal(jax.random.key(0), (2, 4, 3))
    for loss in losses.relativistic_average():
        places = [loss(real[:, i], fake[:, i]) for i in range(3)]
        np.testing.assert_allclose(loss(real, fake), jnp.stack(places, axis=1), rtol=1e-6)
