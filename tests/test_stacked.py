"""The recipes of stacked MNIST: networks by hand, and one traced step of each."""

from functools import partial

import jax
import jax.numpy as jnp
import pytest
from experiment_files import file_of, load

from gan_jax.game import init, make_train_step
from gan_jax.game.initial import shapes_of_samples

stacked = load(file_of("stacked_mnist"))

# recipe -> parameters of (generator, discriminator): dense a b + b, convolution k k a b + b, batch norm 2 b
COUNTS = {
    "pacgan": (
        (100 * 2048 + 2048) + 2 * 2048  # dense to 2x2x512, batch norm of each number
        + (25 * 512 * 256 + 256) + 2 * 256
        + (25 * 256 * 128 + 128) + 2 * 128
        + (25 * 128 * 64 + 64) + 2 * 64
        + (25 * 64 * 3 + 3),
        (25 * 3 * 64 + 64)
        + (25 * 64 * 128 + 128) + 2 * 128
        + (25 * 128 * 256 + 256) + 2 * 256
        + (25 * 256 * 512 + 512) + 2 * 512
        + (2 * 2 * 512 + 1),
    ),
    "tiny": (
        (256 * 1024 + 1024) + 2 * 1024  # dense to 4x4x64
        + (9 * 64 * 32 + 32) + 2 * 32
        + (9 * 32 * 16 + 16) + 2 * 16
        + (9 * 16 * 8 + 8) + 2 * 8
        + (9 * 8 * 3 + 3),
        (9 * 3 * 2 + 2)
        + (9 * 2 * 4 + 4) + 2 * 4
        + (9 * 4 * 8 + 8) + 2 * 8
        + (4 * 4 * 8 + 1),
    ),
    "rpgan-r1-r2": (
        (64 * 512 + 512) + 2 * 512
        + (512 * 512 + 512) + 2 * 512
        + (512 * 2352 + 2352),
        (2352 * 512 + 512) + (512 * 512 + 512) + (512 + 1),
    ),
    "conv-rpgan-r1-r2": (
        (64 * 6272 + 6272) + 2 * 6272  # dense to 7x7x128
        + (16 * 128 * 64 + 64) + 2 * 64
        + (16 * 64 * 3 + 3),
        (16 * 3 * 32 + 32)
        + (16 * 32 * 64 + 64)
        + (16 * 64 * 128 + 128)
        + (16 * 128 * 256 + 256)
        + (2 * 2 * 256 + 1),
    ),
}  # fmt: skip


def count(params):
    return sum(leaf.size for leaf in jax.tree.leaves(params))


@pytest.mark.parametrize("name", stacked.RECIPES)
def test_a_step_of_every_recipe(name):
    """Traced on abstract arrays: shapes fit, nothing is compiled."""
    built = stacked.experiment(recipe=name, pack=2, unroll_steps=2 if name == "tiny" else 0)
    game = built.game
    batch = {"real": jax.ShapeDtypeStruct((1, built.batch_size, 28, 28, 3), jnp.float32)}
    key = jax.random.key(0)
    state = jax.eval_shape(partial(init, game), key, batch)
    after, _ = jax.eval_shape(make_train_step(game, built.play), state, batch, key)
    assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, state)
    assert set(built.game.discriminator_terms) == {
        part for part in name.split("-") if part in ("r1", "r2")
    }


@pytest.mark.parametrize("name", COUNTS)
def test_the_networks_have_the_parameters_of_the_protocol(name):
    game = stacked.experiment(recipe=name).game
    batch = shapes_of_samples(game, 16)
    state = jax.eval_shape(partial(init, game), jax.random.key(0), batch)
    assert (count(state.generator.params), count(state.discriminator.params)) == COUNTS[name]


def test_unrolling_belongs_to_the_tiny_networks():
    with pytest.raises(ValueError, match="belongs to --recipe tiny, got pacgan"):
        stacked.experiment(recipe="pacgan", unroll_steps=5)
