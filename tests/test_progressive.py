"""ProGAN: at each level small images, enlarged; a fade begins with what was there; one program for all levels."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from small_networks import abstract, count, drawn, normal

from gan_jax import losses, penalties
from gan_jax.context import Context, Exhibit
from gan_jax.game import Game, Term, init, make_train_step
from gan_jax.models.progressive import (
    ProgressiveDiscriminator,
    ProgressiveGenerator,
    drawn_at,
    faded,
    growing,
    growth,
)
from gan_jax.remedies.drift import drift
from gan_jax.testing.law import leaves_by_path

DEVICES = 1
GENERATOR = ProgressiveGenerator((8, 8, 2), (4, 3, 2))  # 2x2, 4x4, 8x8
DISCRIMINATOR = ProgressiveDiscriminator((2, 3, 4))
LATENTS, IMAGES = normal(4, 5), normal(4, 8, 8, 2)
TRACED = []


@pytest.fixture(scope="module")
def players():
    """Both players as functions of a level and, perhaps, of other parameters; compiled once for all levels."""

    def program(module, inputs):
        variables = drawn(module, inputs, scale=1.0)

        @jax.jit
        def call(variables, inputs, level):
            TRACED.append(module)
            return module.apply(variables, inputs, level, train=True)

        def function(level, inputs=inputs, moved=None):
            changed = variables
            if moved is not None:
                layer = jax.tree.map(lambda leaf: leaf + 1.0, variables["params"][moved])
                changed = {"params": variables["params"] | {moved: layer}}
            return np.asarray(call(changed, inputs, jnp.full(4, level)))

        return function

    return program(GENERATOR, LATENTS), program(DISCRIMINATOR, IMAGES)


def blocks(images, size):
    """Means and spread of blocks of so many pixels."""
    apart = images.reshape(4, 8 // size, size, 8 // size, size, 2)
    return apart.mean((2, 4)), np.ptp(apart, axis=(2, 4)).max()


def test_at_each_level_images_are_small_ones_enlarged(players):
    generate, _ = players
    for level, size in ((1.0, 4), (1.4, 2), (2.0, 2)):
        images = generate(level)
        assert images.shape == IMAGES.shape
        assert blocks(images, size)[1] == 0 and blocks(images, 2 * size)[1] > 0
    assert blocks(generate(2.1), 2)[1] > 0


def test_a_fade_begins_with_the_stage_before_it_and_is_a_straight_line(players):
    generate, _ = players
    before, after = generate(2.0), generate(3.0)
    np.testing.assert_allclose(generate(2.0 + 1e-6), before, atol=1e-5)
    np.testing.assert_allclose(generate(2.25), 0.75 * before + 0.25 * after, atol=1e-6)
    assert np.abs(after - before).max() > 0.1


def test_a_stage_that_is_not_in_use_says_nothing_to_either_player(players):
    for function, layers in zip(players, (("_0", "_1", "_image"),) * 2, strict=True):
        for layer in layers:
            moved = {"moved": f"stage_3{layer}"}
            np.testing.assert_array_equal(function(2.0, **moved), function(2.0))
            assert np.abs(function(2.3, **moved) - function(2.3)).max() > 0
            replaced = {
                "moved": "stage_2_image"
            }  # images of a stage are out of use once it has grown
            np.testing.assert_allclose(function(3.0, **replaced), function(3.0), rtol=1e-6)


def test_the_discriminator_sees_what_images_of_its_level_show(players):
    _, judge = players
    for level in (1.0, 2.0):
        small = np.asarray(faded(IMAGES, level, stages=3))
        np.testing.assert_allclose(judge(level, small), judge(level), rtol=1e-5)
    assert np.abs(judge(3.0, small) - judge(3.0)).max() > 1e-3


def test_one_program_serves_all_levels(players):
    for function in players:
        for level in (1.0, 1.5, 3.0):
            function(level)
    assert TRACED.count(GENERATOR) == 1 and TRACED.count(DISCRIMINATOR) == 1


def test_real_images_are_faded_likewise():
    coarse, fine = blocks(IMAGES, 4)[0], blocks(IMAGES, 2)[0]
    large = lambda means, times: means.repeat(times, 1).repeat(times, 2)  # noqa: E731
    middle = 0.7 * large(coarse, 4) + 0.3 * large(fine, 2)
    levels = jnp.array([1.0, 1.3, 2.0, 3.0])
    expected = [
        large(coarse, 4)[0],
        middle[1],
        large(fine, 2)[2],
        IMAGES[3],
    ]  # a level for each row
    np.testing.assert_allclose(faded(IMAGES, levels, stages=3), np.stack(expected), atol=1e-6)


def test_growth_stands_and_fades_in_turn():
    level_fn = growth(3, steady_rounds=10, fading_rounds=5)
    rounds = jnp.array([0, 10, 11, 14, 15, 25, 27, 30, 1000])
    expected = [1.0, 1.0, 1.2, 1.8, 2.0, 2.0, 2.4, 3.0, 3.0]
    np.testing.assert_allclose(level_fn(rounds), expected, rtol=1e-6)
    with pytest.raises(ValueError, match="1 fading round, got 3, 10 and 0"):
        growth(3, steady_rounds=10, fading_rounds=0)


def test_it_is_drawn_at_the_level_of_its_round():
    class Players:
        turn = type("Turn", (), {"step": 12})
        generator_fn = staticmethod(lambda latents, level: 3.0 * latents + level[:, None])

    drawn_images = drawn_at(growth(3, steady_rounds=10, fading_rounds=5))(Players, LATENTS, {})
    np.testing.assert_allclose(drawn_images, np.clip(3.0 * LATENTS + 1.4, -1, 1), rtol=1e-5)


def test_layers_in_use_are_trained_and_no_others():
    players = {
        "g": drawn(GENERATOR, LATENTS, scale=1.0),
        "d": drawn(DISCRIMINATOR, IMAGES, scale=1.0),
    }

    @jax.jit
    @jax.grad
    def gradient(players, level):
        fakes = GENERATOR.apply(players["g"], LATENTS, level, train=True)
        return jnp.square(DISCRIMINATOR.apply(players["d"], fakes, level, train=True)).sum()

    for level, idle in ((1.5, {"stage_3"}), (2.5, {"stage_1_image"})):
        leaves = leaves_by_path(gradient(players, jnp.full(4, level)))
        still = {name for name, leaf in leaves.items() if not np.abs(leaf).max() > 0}
        assert still == {name for name in leaves if any(layer in name for layer in idle)}


@pytest.mark.thorough
def test_the_game_of_the_paper_is_traced():
    gp = {"gp": Term(penalties.gradient_penalty(penalties.wgan_gp, penalties.between), 10.0)}
    adam = optax.adam(1e-3, b1=0.0, b2=0.99)
    game = Game(
        ProgressiveGenerator((8, 8, 2), (3, 2)), ProgressiveDiscriminator((2, 3)),
        losses.wasserstein(), adam, adam, latent_size=5,
        show_fn=growing(growth(2, steady_rounds=4, fading_rounds=4), stages=2),
        discriminator_terms=drift() | gp,
    )  # fmt: skip
    batch, key = {"real": jnp.asarray(IMAGES)[None]}, jax.random.key(0)
    state = jax.eval_shape(partial(init, game), key, batch)
    after, metrics = jax.eval_shape(make_train_step(game), state, batch, key)
    assert jax.tree.structure(after) == jax.tree.structure(state)
    assert {"discriminator/gp", "discriminator/drift"} <= metrics.keys()


def test_drift_is_the_square_of_the_real_logits():
    context = Context(Exhibit(None, logits=jnp.array([1.0, -2.0])), Exhibit(None))
    (term,) = drift().values()
    np.testing.assert_array_equal(term.term_fn(None, context), [1.0, 4.0])
    assert term.weight == 1e-3


@pytest.mark.thorough
def test_published_numbers_of_parameters():
    """Of the networks for 1024x1024 images."""
    widths = (512, 512, 512, 512, 256, 128, 64, 32, 16)
    generator = ProgressiveGenerator((1024, 1024, 3), widths)
    assert count(abstract(generator, jnp.zeros((4, 512)))) == 23_079_115
    discriminator = ProgressiveDiscriminator(widths[::-1])
    assert count(abstract(discriminator, jnp.zeros((4, 1024, 1024, 3)))) == 23_087_249


@pytest.mark.parametrize(
    ("level", "message"),
    [(4, "level must be 1 to 3, the number of stages, got 4"), (np.ones((4, 1)), "for each row")],
)
def test_levels_beyond_the_stages_are_refused(level, message):
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(lambda: faded(jnp.asarray(IMAGES), level, stages=3))
