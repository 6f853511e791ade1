import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_jax import losses

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


@every_loss
def test_value_worked_out_by_hand(name):
    loss = FACTORIES[name]()
    real, fake = jnp.array([2.0, -1.0]), jnp.array([0.5, 1.0])
    for fn, expected in zip(loss, BY_HAND[name], strict=True):
        np.testing.assert_allclose(fn(real, fake), expected, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(jax.jit(fn)(real, fake), expected, rtol=1e-6, atol=1e-7)


@every_loss
def test_one_value_per_example_or_patch(name):
    for shape in ((4,), (2, 3, 3)):
        logits = jnp.ones(shape)
        for fn in FACTORIES[name]():
            assert fn(logits, logits).shape == shape


@pytest.mark.parametrize("name", [n for n in FACTORIES if n != "relativistic_average"])
def test_vmap_over_examples_is_the_batch(name):
    real, fake = jnp.array([2.0, -1.0, 0.0]), jnp.array([0.5, 1.0, -3.0])
    for fn in FACTORIES[name]():
        np.testing.assert_allclose(jax.vmap(fn)(real, fake), fn(real, fake), rtol=1e-6)


@every_loss
@given(real=vectors, fake=vectors)
def test_gradient_signs(name, real, fake):
    """The discriminator never gains by lowering real or raising fake logits of its indifference."""
    loss = FACTORIES[name]()

    def total(fn):
        return lambda real, fake: fn(real, fake).sum()

    if name == "least_squares":  # a parabola: monotone between its targets only
        real, fake = jax.nn.sigmoid(real), jax.nn.sigmoid(fake)
    to_real, to_fake = jax.grad(total(loss.discriminator), (0, 1))(real, fake)
    assert (to_real <= 1e-6).all() and (to_fake >= -1e-6).all()
    assert (jax.grad(total(loss.generator), 1)(real, fake) <= 1e-6).all()


@every_loss
def test_finite_at_logits_of_ten_thousand(name):
    for a in (-1e4, 1e4):
        for b in (-1e4, 1e4):
            real, fake = jnp.array([a, 0.0]), jnp.array([b, 0.0])
            for fn in FACTORIES[name]():
                value, gradient = jax.value_and_grad(lambda x, fn=fn, y=fake: fn(x, y).sum())(real)
                assert np.isfinite(value) and np.isfinite(gradient).all()


@every_loss
def test_refuses_shapes_that_broadcast(name):
    for fn in FACTORIES[name]():
        with pytest.raises(ValueError, match="same shape"):
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


@pytest.mark.parametrize("name", ("non_saturating", "minimax", "relativistic_average"))
def test_two_log_two_at_indifference(name):
    for level in (0.0, 0.0 if name != "relativistic_average" else 7.0):
        logits = jnp.full(4, level)
        value = FACTORIES[name]().discriminator(logits, logits)
        np.testing.assert_allclose(value, 2 * np.log(2), rtol=1e-6)


@pytest.mark.parametrize("name", ("wasserstein", "relativistic_pairing", "relativistic_average"))
@given(real=vectors, fake=vectors, shift=st.floats(-5, 5, width=32))
def test_a_common_shift_of_the_logits_changes_nothing(name, real, fake, shift):
    loss = FACTORIES[name]()
    before, after = loss.discriminator(real, fake), loss.discriminator(real + shift, fake + shift)
    np.testing.assert_allclose(before, after, atol=2e-5)


@pytest.mark.parametrize("name", ("relativistic_pairing", "relativistic_average"))
@given(real=vectors, fake=vectors)
def test_relativistic_players_mirror_each_other(name, real, fake):
    loss = FACTORIES[name]()
    np.testing.assert_allclose(
        loss.generator(real, fake), loss.discriminator(fake, real), rtol=1e-5, atol=1e-6
    )


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
