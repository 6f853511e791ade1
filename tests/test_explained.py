"""What a discriminator looks at: the sum rule, the directions, and the command on a run."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.drawing.explained import heat, integrated_gradients, leading_directions
from gan_jax.models.patch import PatchDiscriminator

key = jax.random.key(0)


def test_attributions_of_a_polynomial_sum_to_the_difference_of_the_logits():
    weights = np.random.default_rng(0).normal(size=(4, 4, 1)).astype(np.float32)

    def logit_fn(x):
        return jnp.square((x * weights[None]).sum((1, 2, 3))) + (x**3).sum((1, 2, 3))

    x = np.random.default_rng(1).normal(size=(3, 4, 4, 1)).astype(np.float32)
    baseline = jnp.full((4, 4, 1), 0.3)
    found = integrated_gradients(logit_fn, x, baseline, nodes=2)
    expected = logit_fn(x) - logit_fn(jnp.broadcast_to(baseline, x.shape))
    np.testing.assert_allclose(found.sum((1, 2, 3)), expected, rtol=1e-4)
    # of a sum over pixels each pixel gets its own part
    own = integrated_gradients(lambda x: (x**3).sum((1, 2, 3)), x, baseline, nodes=2)
    np.testing.assert_allclose(own, x**3 - 0.3**3, rtol=1e-3, atol=1e-5)


def test_attributions_of_a_network_sum_to_the_difference_of_the_logits():
    network = PatchDiscriminator((4,))
    x = jax.random.normal(key, (2, 8, 8, 3))
    variables = network.init(key, x, train=True)

    def logit_fn(x):
        return network.apply(variables, x, train=False).mean((1, 2))

    found = integrated_gradients(logit_fn, x, jnp.zeros((8, 8, 3)), nodes=64)
    np.testing.assert_allclose(
        found.sum((1, 2, 3)), logit_fn(x) - logit_fn(jnp.zeros_like(x)), atol=2e-3
    )


def test_directions_are_the_singular_vectors_of_a_linear_generator():
    matrix = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
    found, values = leading_directions(lambda z: (matrix @ z).reshape(3, 4), jnp.zeros(4), 3)
    _, singular, vectors = np.linalg.svd(matrix)
    np.testing.assert_allclose(values, singular[:3], rtol=1e-4)
    np.testing.assert_allclose(abs((found * vectors[:3]).sum(1)), 1.0, rtol=1e-4)


def test_heat_is_white_at_zero_red_above_and_blue_below():
    colors = heat(np.array([[[0.0, 5.0, -5.0]]]))[0, 0]
    assert (colors[0] == 1.0).all() and colors[1].argmax() == 0 and colors[2].argmax() == 2
