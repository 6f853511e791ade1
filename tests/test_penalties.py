import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_jax import penalties
from gan_jax.context import Context, Exhibit
from gan_jax.testing import penalty_laws

FNS = {
    "r1": penalties.r1,
    "r2": penalties.r2,
    "wgan_gp": penalties.wgan_gp,
    "wgan_gp_one_sided": penalties.wgan_gp_one_sided,
    "dragan": penalties.dragan,
}
NORM = np.linalg.norm
# on D(x) = x @ w, and of a discriminator that says the same everywhere
CLAIMS = {
    "r1": dict(on_linear=lambda w: NORM(w) ** 2 / 2),
    "r2": dict(on_linear=lambda w: NORM(w) ** 2 / 2),
    "wgan_gp": dict(on_linear=lambda w: (NORM(w) - 1) ** 2, constant=1.0),
    "wgan_gp_one_sided": dict(on_linear=lambda w: max(NORM(w) - 1, 0) ** 2),
    "dragan": dict(on_linear=lambda w: (NORM(w) - 1) ** 2, constant=1.0),
}
LAWS = [
    pytest.param(law, id=f"{name}: {law}")
    for name, fn in FNS.items()
    for law in penalty_laws(fn, **CLAIMS[name])
]
key = jax.random.key(0)


def context(real, fake):
    return Context(Exhibit(real), Exhibit(fake))


@pytest.mark.parametrize("law", LAWS)
def test_law(law):
    law()


def test_a_refusal_says_what_to_do():
    with pytest.raises(ValueError, match=r"one logit per example \[4\].*squeeze"):
        penalties.r1(lambda x: x[:, :1], jnp.ones((4, 3)))


def test_the_values_of_one_linear_discriminator():
    """|w| = 5: the factors stand here as numbers."""
    points, w = jnp.zeros((1, 2)), jnp.array([3.0, 4.0])
    values = {name: float(fn(lambda x: x @ w, points)[0]) for name, fn in FNS.items()}
    expected = {"r1": 12.5, "r2": 12.5, "wgan_gp": 16, "wgan_gp_one_sided": 16, "dragan": 16}
    assert values == pytest.approx(expected)
    half = FNS["wgan_gp_one_sided"](lambda x: x @ (w / 10), points)
    assert float(half[0]) == 0.0


@given(seed=st.integers(0, 99))
def test_points_between_lie_on_the_lines(seed):
    keys = jax.random.split(jax.random.key(seed), 3)
    real, fake = jax.random.normal(keys[0], (5, 4)), jax.random.normal(keys[1], (5, 4))
    points = penalties.between(keys[2], context(real, fake)).samples
    share = (points - fake) / (real - fake)
    np.testing.assert_allclose(share, np.broadcast_to(share[:, :1], (5, 4)), rtol=2e-2, atol=2e-3)
    assert (share > -1e-3).all() and (share < 1 + 1e-3).all()
    assert len(set(np.asarray(share[:, 0]).round(4).tolist())) == 5  # one draw per example


def test_points_between_are_uniform_on_the_line():
    points = penalties.between(key, context(jnp.ones((20000, 1)), jnp.zeros((20000, 1)))).samples
    assert abs(points.mean() - 0.5) < 0.01 and abs(points.var() - 1 / 12) < 0.002


def test_the_other_points():
    real, fake = jnp.zeros((20000, 2)), jnp.ones((20000, 2))
    assert penalties.on_real(key, context(real, fake)).samples is real
    assert penalties.on_fake(key, context(real, fake)).samples is fake
    noise = penalties.around_real(scale=0.3)(key, context(real, fake)).samples
    assert abs(noise.std() - 0.3) < 0.005


def test_bad_points():
    with pytest.raises(ValueError, match="same shape"):
        penalties.between(key, context(jnp.ones((4, 3)), jnp.ones((4, 1))))
    with pytest.raises(ValueError, match="scale"):
        penalties.around_real(scale=0.0)


def test_a_penalty_before_the_augmentation_is_the_squared_factor_of_a_contrast():
    """D(x) = x @ w of shown samples 3 x: |3 w|^2 / 2 = 112.5 instead of 12.5."""
    real, w = jnp.ones((2, 2)), jnp.array([3.0, 4.0])
    side = Exhibit(
        3.0 * real, raw=real, augment_fn=lambda x: 3.0 * x, judge_fn=lambda x: (x @ w, {})
    )
    shown = Context(side, side)
    for points_fn, expected in (
        (penalties.on_real, 12.5),
        (penalties.before_augmentation(penalties.on_real), 112.5),
    ):
        values = penalties.gradient_penalty(penalties.r1, points_fn)(key, shown)
        np.testing.assert_allclose(values, [expected, expected])
