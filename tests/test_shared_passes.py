"""Batches of two sizes, and both sides judged in one pass."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from games import vector_game

from gan_jax import losses
from gan_jax.game import init, make_train_step
from gan_jax.game.check_batch import rows_of
from gan_jax.game.look import joined
from gan_jax.game.plays import simultaneous

key = jax.random.key(0)
REAL = jax.random.normal(jax.random.key(1), (2, 8, 2)) + 2.0


def after_a_round(game, real):
    state = jax.jit(lambda batch: init(game, key, batch))({"real": real})
    return jax.jit(make_train_step(game))(state, {"real": real}, key)[0]


def close(first, second):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), first, second)


def test_a_generator_with_two_batches_makes_the_step_of_one_batch_twice_as_large():
    still = dict(
        loss=losses.relativistic_pairing(),  # looks at the real rows, too
        generator_optimizer=optax.sgd(0.5),
        discriminator_optimizer=optax.sgd(0.0),
    )
    two = vector_game(**still, discriminator_steps=2, generator_batches=2)
    whole = rows_of({"real": REAL}, batches=2)["real"]
    assert whole.shape == (16, 2)
    taken, expected = after_a_round(two, REAL), after_a_round(vector_game(**still), whole[None])
    close(taken.generator.params, expected.generator.params)


@pytest.mark.parametrize("index", (0, 1, 2))
def test_joined_batches_keep_the_rows_of_each_device_together(index):
    numbers = jnp.arange(24).reshape(3, 8)
    rows = rows_of({"row": numbers}, index, batches=2)["row"]
    for device in range(4):
        own = rows_of({"row": numbers[:, 2 * device : 2 * device + 2]}, index, batches=2)["row"]
        np.testing.assert_array_equal(own, rows[4 * device : 4 * device + 4])
    assert sorted(rows) == sorted([*numbers[2 * index % 3], *numbers[(2 * index + 1) % 3]])


def test_plays_that_share_a_batch_refuse_two_sizes():
    game = vector_game(generator_batches=2)
    with pytest.raises(ValueError, match=r"shows both players one batch, got generator_batches=2"):
        jax.eval_shape(
            make_train_step(game, simultaneous),
            init(game, key, {"real": REAL[:1]}),
            {"real": REAL[:1]},
            key,
        )


def test_judged_together_is_judged_separately_where_rows_do_not_meet():
    descent = dict(
        loss=losses.relativistic_average(),
        generator_optimizer=optax.sgd(0.5),
        discriminator_optimizer=optax.sgd(0.5),
    )
    apart, at_once = (
        after_a_round(vector_game(judge_together=together, **descent), REAL[:1])
        for together in (False, True)
    )
    close(apart, at_once)


def test_judged_together_batch_norm_sees_both_sides():
    class Normalized(nn.Module):
        @nn.compact
        def __call__(self, samples, *, train):
            hidden = nn.BatchNorm(use_running_average=not train, momentum=0.0)(samples)
            return nn.Dense(1)(hidden)[:, 0]

    class Constant(nn.Module):
        @nn.compact
        def __call__(self, latents, *, train):
            return jnp.zeros_like(latents) + self.param("at", nn.initializers.ones, (1, 2))

    def mean(together):
        game = vector_game(
            generator=Constant(), discriminator=Normalized(), latent_size=2, judge_together=together
        )
        variables = after_a_round(game, REAL[:1]).discriminator.variables
        return variables["batch_stats"]["BatchNorm_0"]["mean"]

    np.testing.assert_allclose(mean(True), (REAL[0].mean(0) + 1) / 2, rtol=1e-5)
    np.testing.assert_allclose(mean(False), jnp.ones(2), rtol=1e-5)  # the fake side is the last


def test_judged_together_needs_one_structure():
    with pytest.raises(ValueError, match="one structure on both sides"):
        joined((REAL, None), (REAL, REAL))
