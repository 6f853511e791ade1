import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_jax import penalties
from gan_jax.context import Context, Exhibit

FNS = {
    "r1": penalties.r1,
    "r2": penalties.r2,
    "wgan_gp": penalties.wgan_gp,
    "wgan_gp_one_sided": penalties.wgan_gp_one_sided,
    "dragan": penalties.dragan,
}
OF_NORM = {
    "r1": lambda n: n**2 / 2,
    "r2": lambda n: n**2 / 2,
    "wgan_gp": lambda n: (n - 1) ** 2,
    "wgan_gp_one_sided": lambda n: max(n - 1, 0) ** 2,
    "dragan": lambda n: (n - 1) ** 2,
}
every_penalty = pytest.mark.parametrize("name", FNS)
key = jax.random.key(0)


def context(real, fake):
    return Context(Exhibit(real), Exhibit(fake))


def network(params, x):
    return jnp.tanh(x @ params["w"]) @ params["v"]


def random_params(key):
    keys = jax.random.split(key)
    return {"w": jax.random.normal(keys[0], (3, 5)), "v": jax.random.normal(keys[1], (5,))}


@every_penalty
@given(w=st.lists(st.floats(-3, 3, width=32), min_size=3, max_size=3), seed=st.integers(0, 99))
def test_closed_form_for_a_linear_discriminator(name, w, seed):
    w = jnp.float32(w)
    points = jax.random.normal(jax.random.key(seed), (4, 3))
    expected = OF_NORM[name](float(np.linalg.norm(w)))
    np.testing.assert_allclose(FNS[name](lambda x: x @ w, points), expected, rtol=1e-4, atol=1e-6)


def test_the_values_of_one_linear_discriminator():
    """|w| = 5: the factors stand here as numbers."""
    points, w = jnp.zeros((1, 2)), jnp.array([3.0, 4.0])
    values = {name: float(fn(lambda x: x @ w, points)[0]) for name, fn in FNS.items()}
    expected = {"r1": 12.5, "r2": 12.5, "wgan_gp": 16, "wgan_gp_one_sided": 16, "dragan": 16}
    assert values == pytest.approx(expected)
    half = FNS["wgan_gp_one_sided"](lambda x: x @ (w / 10), points)
    assert float(half[0]) == 0.0


@every_penalty
def test_contract_jit_vmap_images_and_no_negative_value(name):
    params, fn = random_params(key), FNS[name]
    points = jax.random.normal(key, (6, 3))

    def penalty(x):
        return fn(lambda x: network(params, x), x)

    batch = penalty(points)
    assert batch.shape == (6,) and (batch >= 0).all()
    np.testing.assert_allclose(jax.jit(penalty)(points), batch, rtol=1e-5, atol=1e-7)
    one_by_one = jax.vmap(lambda x: penalty(x[None])[0])(points)
    np.testing.assert_allclose(one_by_one, batch, rtol=1e-5, atol=1e-7)
    images = points.reshape(6, 1, 3, 1)
    as_images = fn(lambda x: network(params, x.reshape(6, 3)), images)
    np.testing.assert_allclose(as_images, batch, rtol=1e-5, atol=1e-7)


@every_penalty
def test_gradient_norm_against_finite_differences(name):
    params = random_params(key)
    points = np.random.default_rng(0).normal(size=(2, 3))
    norms = []
    for x in np.float32(points):
        difference = [
            (network(params, x + step) - network(params, x - step)) / 2e-2
            for step in np.float32(1e-2 * np.eye(3))
        ]
        norms.append(np.linalg.norm(difference))
    value = FNS[name](lambda x: network(params, x), jnp.float32(points))
    np.testing.assert_allclose(value, [OF_NORM[name](n) for n in norms], rtol=1e-2, atol=1e-4)


@every_penalty
def test_reaches_the_parameters_and_is_finite_where_the_discriminator_is_flat(name):
    points = jax.random.normal(key, (4, 3))

    def total(params):
        return FNS[name](lambda x: network(params, x), points).sum()

    params = jax.tree.map(lambda p: 3 * p, random_params(key))
    gradients = jax.grad(total)(params)
    assert all(jnp.abs(g).max() > 0 for g in jax.tree.leaves(gradients))
    flat = jax.grad(total)(jax.tree.map(jnp.zeros_like, params))
    assert all(np.isfinite(g).all() for g in jax.tree.leaves(flat))


@every_penalty
def test_refuses_logits_that_are_not_one_per_example(name):
    with pytest.raises(ValueError, match="one logit per example"):
        FNS[name](lambda x: x[:, :1], jnp.ones((4, 3)))


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
