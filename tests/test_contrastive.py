"""CUT: the contrastive term in closed form, and the patches that it compares."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.context import Context, Exhibit
from gan_jax.models.contrastive import ContrastiveTranslator, patch_nce, places
from gan_jax.models.translators import Translator

key = jax.random.key(0)


def nce(made, given):
    extras = {"there": {"made": made, "given": given}}
    context = Context(real=Exhibit(None), fake=Exhibit(None), extras=extras)
    return patch_nce("there")["nce_there"].term_fn(key, context)


def test_patches_that_cannot_be_told_apart_cost_the_logarithm_of_their_number():
    same = jnp.ones((3, 2, 5, 4)) / 2.0
    np.testing.assert_allclose(nce(same, same), np.log(5), rtol=1e-6)


def test_orthogonal_patches_cost_what_the_temperature_leaves():
    apart = jnp.broadcast_to(jnp.eye(4), (2, 1, 4, 4))
    expected = np.log1p(3 * np.exp(-1 / 0.07))
    np.testing.assert_allclose(nce(apart, apart), expected, atol=1e-6)
    # the neighbour's patch instead of its own
    np.testing.assert_allclose(nce(jnp.roll(apart, 1, 2), apart), 1 / 0.07 + expected, rtol=1e-5)


def test_no_gradient_goes_through_what_was_given():
    x = jax.random.normal(key, (2, 1, 3, 4))
    gradient = jax.grad(lambda pair: nce(*pair).sum())((x, x + 1.0))
    assert abs(gradient[0]).max() > 0.0 and abs(gradient[1]).max() == 0.0


@pytest.mark.thorough
def test_equal_images_have_equal_patches_of_length_one():
    network = ContrastiveTranslator(Translator(3, (8, 16), 1), layers=(0, 1, 2), width=16)
    x = jax.random.normal(key, (2, 8, 8, 3))
    at = places(3, 5)(key, (2, 1))

    @jax.jit
    def patches(x, at):
        variables = network.init(key, x, at, train=True, method="patches")
        return network.apply(variables, x, at, train=True, method="patches")

    found = patches(x, at)
    assert found.shape == (2, 3, 5, 16)
    np.testing.assert_allclose(jnp.square(found).sum(-1), 1.0, atol=1e-5)
    # one place in all patches of a layer: one vector
    one = patches(x, jnp.full((2, 3, 5), 0.4))
    np.testing.assert_allclose(one, one[:, :, :1].repeat(5, 2), atol=1e-6)
