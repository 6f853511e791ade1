"""Micro-batches: the same gradients with less memory, and what changes where rows look at each other."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from games import vector_game

from gan_jax import losses, penalties
from gan_jax.game import (
    Term,
    alternating,
    consensus,
    extragradient,
    init,
    make_train_step,
    simultaneous,
    unrolled,
)
from gan_jax.models.blocks import BatchNorm, spectral
from gan_jax.models.mlp import MLPDiscriminator, MLPGenerator

key = jax.random.key(0)
sgd = optax.sgd(0.1)


def game_of_rows(**changes):
    """Each row is judged by itself or against the row at its place."""
    return vector_game(
        loss=losses.relativistic_pairing(),
        discriminator_terms={
            "r1": Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), 0.3),
            "r2": Term(penalties.gradient_penalty(penalties.r2, penalties.on_fake), 0.3),
        },
        generator_terms={"size": Term(lambda key, context: (context.fake.samples**2).sum(1), 0.3)},
        generator_optimizer=sgd,
        discriminator_optimizer=sgd,
        **changes,
    )


def after(play, game, batch, *, state=None, steps=3):
    state = jax.jit(partial(init, game))(key, batch) if state is None else state
    step = jax.jit(make_train_step(game, play))
    for _ in range(steps):
        state, metrics = step(state, batch, jax.random.key(2))
    return state, metrics


PLAYS = {
    "alternating": alternating,
    "simultaneous": simultaneous,
    "extragradient": extragradient,
    "consensus": consensus(weight=0.1),
    "unrolled": unrolled(steps=2),
}


# what all plays share is tested with the first and the one that looks furthest; the others on demand
PARTS = [
    pytest.param(
        play, id=name, marks=() if name in ("alternating", "unrolled") else pytest.mark.slow
    )
    for name, play in PLAYS.items()
]


@pytest.mark.parametrize("play", PARTS)
def test_parts_have_the_gradient_of_the_whole(play):
    batch = {"real": jax.random.normal(jax.random.key(1), (1, 16, 2))}
    whole = after(play, game_of_rows(), batch)
    for count in (2, 16) if play is alternating else (4,):
        parts = after(play, game_of_rows(micro_batches=count), batch)
        close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-6)  # noqa: E731
        jax.tree.map(close, whole, parts)


@pytest.mark.thorough
def test_batch_norm_sees_one_part():
    """The update is the mean of those on the parts alone, and so are the running statistics."""
    latents = jax.random.normal(jax.random.key(3), (8, 3))
    real = jax.random.normal(jax.random.key(1), (1, 8, 2))
    game = game_of_rows(discriminator=MLPDiscriminator((8,), norm_fn=BatchNorm))
    game = dataclasses.replace(game, generator_optimizer=optax.sgd(0.0), generator_terms={})
    state = init(game, key, {"real": real})

    def discriminator(latents, real, **changes):
        fixed = dataclasses.replace(game, latent_fn=lambda key, shape: latents, **changes)
        return after(alternating, fixed, {"real": real}, state=state, steps=1)[0].discriminator

    whole = discriminator(latents, real)
    parts = discriminator(latents, real, micro_batches=2)
    alone = [discriminator(latents[i::2], real[:, i::2]) for i in range(2)]
    mean = jax.tree.map(lambda a, b: (a + b) / 2, *alone)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), parts, mean)
    differences = jax.tree.map(lambda a, b: float(abs(a - b).max()), parts.params, whole.params)
    assert max(jax.tree.leaves(differences)) > 1e-3


@pytest.mark.thorough
def test_parts_need_less_memory():
    """Of activations, which are what a large batch fills the memory with."""

    def temporary_bytes(micro_batches):
        game = game_of_rows(
            generator=MLPGenerator((2,), (64, 64, 64)),
            discriminator=MLPDiscriminator((64, 64, 64)),
            micro_batches=micro_batches,
        )
        batch = {"real": jax.ShapeDtypeStruct((1, 4096, 2), np.float32)}
        state = jax.eval_shape(lambda batch: init(game, key, batch), batch)
        compiled = jax.jit(make_train_step(game)).lower(state, batch, key).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    assert temporary_bytes(8) < 0.3 * temporary_bytes(1)


def test_what_micro_batches_refuse():
    batch = {"real": np.zeros((1, 16, 2), np.float32)}
    with pytest.raises(ValueError, match="micro_batches=3 must divide the 16 rows"):
        after(alternating, game_of_rows(micro_batches=3), batch)
    with pytest.raises(ValueError, match="micro_batches must be at least 1, got 0"):
        game_of_rows(micro_batches=0)


@pytest.mark.slow
def test_blocks_that_are_computed_anew_have_the_same_gradients():
    """And bfloat16 keeps parameters, images and logits in float32."""

    def after_two_steps(**changes):
        game = vector_game(
            generator_optimizer=sgd,
            discriminator_optimizer=sgd,
            discriminator_terms={
                "r1": Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), 0.3)
            },
            generator=MLPGenerator((2,), (8,), norm_fn=BatchNorm, residual_blocks=1, **changes),
            discriminator=MLPDiscriminator(
                (8, 8), norm_fn=BatchNorm, constrain_fn=spectral, dropout_rate=0.1, **changes
            ),
        )
        batch = {"real": jax.random.normal(jax.random.key(1), (1, 16, 2))}
        return after(alternating, game, batch, steps=2)

    (state, metrics), (again, other) = after_two_steps(), after_two_steps(remat=True)
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)  # noqa: E731
    jax.tree.map(close, (state, metrics), (again, other))
    short, rounded = after_two_steps(dtype=jnp.bfloat16)
    assert {str(leaf.dtype) for leaf in jax.tree.leaves((short, rounded))} == {"float32", "int32"}
    for name in ("discriminator/loss", "generator/loss"):
        assert metrics[name] != rounded[name] == pytest.approx(float(metrics[name]), rel=0.1)
