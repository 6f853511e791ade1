import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from games import vector_game

from gan_jax import losses, penalties
from gan_jax.augment import flip
from gan_jax.drawing import players_of
from gan_jax.ema import halflife, move_ema, no_ema
from gan_jax.game import Term, draw_latents, init, make_train_step
from gan_jax.game.keys import update_keys
from gan_jax.models.blocks import BatchNorm
from gan_jax.models.mlp import MLPDiscriminator, MLPGenerator
from gan_jax.testing import game_laws

key = jax.random.key(0)
REAL = jax.random.normal(jax.random.key(1), (1, 16, 2)) + jnp.array([2.0, 0.0])[None, None]


def first(game, batch=None):
    return jax.jit(lambda batch: init(game, key, batch))(batch or {"real": REAL})


def play(game, rounds=1, batch=None, state=None):
    batch = batch or {"real": REAL}
    state = first(game, batch) if state is None else state
    step = jax.jit(make_train_step(game))
    for _ in range(rounds):
        state, metrics = step(state, batch, key)
    return state, metrics


def assert_equal(first, second):
    jax.tree.map(np.testing.assert_array_equal, first, second)


def differs(first, second):
    leaves = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    return any(not np.array_equal(a, b) for a, b in leaves)


def test_the_step_is_the_textbook_gradient_step():
    """One round with SGD against gradients taken here, without the library's objectives."""
    game = vector_game(
        generator_optimizer=optax.sgd(0.5),
        discriminator_optimizer=optax.sgd(0.25),
        discriminator_terms={
            "r1": Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), 3.0)
        },
        ema_decay_fn=no_ema,
    )
    before, (after, metrics) = first(game), play(game)
    keys = jax.random.split(jax.random.fold_in(key, 0))

    def judge(params, samples):
        return game.discriminator.apply({"params": params}, samples, train=True)

    def fakes(params, update_key):
        latents = draw_latents(game, update_keys(update_key).latents, 16)
        return game.generator.apply({"params": params}, latents, train=True)

    def discriminator_loss(params):
        fake = fakes(before.generator.params, jax.random.split(keys[0], 1)[0])
        slopes = jax.vmap(jax.grad(lambda x: judge(params, x[None])[0]))(REAL[0])
        r1 = jnp.square(slopes).sum(1) / 2
        real_term = -jax.nn.log_sigmoid(judge(params, REAL[0]))
        return (real_term - jax.nn.log_sigmoid(-judge(params, fake)) + 3.0 * r1).mean()

    loss, gradient = jax.value_and_grad(discriminator_loss)(before.discriminator.params)
    expected = jax.tree.map(lambda p, g: p - 0.25 * g, before.discriminator.params, gradient)
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)  # noqa: E731
    jax.tree.map(close, after.discriminator.params, expected)
    close(metrics["discriminator/loss"] + 3.0 * metrics["discriminator/r1"], loss)

    def generator_loss(params):
        update_key = jax.random.split(keys[1], 1)[0]
        latents = draw_latents(game, update_keys(update_key).latents, 16)
        fake = game.generator.apply({"params": params}, latents, train=True)
        return -jax.nn.log_sigmoid(judge(expected, fake)).mean()

    gradient = jax.grad(generator_loss)(before.generator.params)
    expected_generator = jax.tree.map(lambda p, g: p - 0.5 * g, before.generator.params, gradient)
    jax.tree.map(close, after.generator.params, expected_generator)
    jax.tree.map(close, after.ema["params"], expected_generator)
    assert int(after.step) == 1


def test_learns_where_the_data_are():
    game = vector_game(
        discriminator_terms={
            "r1": Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), 0.1)
        },
        ema_decay_fn=halflife(images=2000),
    )
    state, _ = play(game, 600)
    samples = players_of(game, state, key=key).generator_fn(draw_latents(game, key, 500))
    assert np.abs(samples.mean(0) - REAL[0].mean(0)).max() < 0.3


@pytest.mark.parametrize("law", game_laws(vector_game(), {"real": REAL}), ids=str)
def test_law(law):
    law()


def test_a_round_is_a_function_of_seed_and_step():
    game = vector_game()
    step, state = jax.jit(make_train_step(game)), first(game)
    batch = {"real": REAL}
    assert differs(step(state, batch, jax.random.key(7))[0], step(state, batch, key)[0])
    later = dataclasses.replace(state, step=jnp.int32(1))
    assert differs(step(later, batch, key)[0].generator, step(state, batch, key)[0].generator)


def test_donated_states_and_scan_and_eval_shape():
    game = vector_game()
    step = make_train_step(game)
    state = first(game)
    shapes, _ = jax.eval_shape(step, state, {"real": REAL}, key)
    assert jax.tree.map(jnp.shape, shapes) == jax.tree.map(jnp.shape, state)
    scanned, _ = jax.lax.scan(lambda state, _: step(state, {"real": REAL}, key), state, length=3)
    expected, _ = play(game, 3)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), scanned, expected)
    jax.jit(step, donate_argnums=0)(state, {"real": REAL}, key)


def test_inner_steps_are_as_many_updates_of_each_player():
    game = vector_game(discriminator_steps=3, generator_steps=2)
    real = jnp.concatenate([REAL, REAL + 1, REAL + 2])
    state, _ = play(game, 2, {"real": real})
    counts = [s.opt_state[0].count for s in (state.discriminator, state.generator)]
    assert [int(c) for c in counts] == [6, 4]
    changed, _ = play(game, 2, {"real": real.at[2].add(1.0)})
    assert differs(state.discriminator.params, changed.discriminator.params)


def test_running_statistics_change_in_the_players_own_update_only():
    game = vector_game(
        generator=MLPGenerator((2,), (8,), norm_fn=BatchNorm),
        discriminator=MLPDiscriminator((8,), norm_fn=BatchNorm),
        discriminator_steps=2,
    )
    real = jnp.concatenate([REAL, REAL])
    before, (after, _) = first(game, {"real": real}), play(game, 1, {"real": real})
    mean = lambda player: jax.tree.leaves(player.variables)[0]  # noqa: E731
    # one generator update: one step of momentum 0.9 from 0; the fakes drawn for the discriminator's
    # two updates left no trace. The discriminator's moved by two passes in each of two updates.
    generator_key = jax.random.split(jax.random.fold_in(key, 0))[1]
    latents_key = update_keys(jax.random.split(generator_key, 1)[0]).latents
    dense = before.generator.params["Dense_0"]  # flax keeps a layer with the module that made it
    hidden = draw_latents(game, latents_key, 16) @ dense["kernel"]
    np.testing.assert_allclose(mean(after.generator), 0.1 * hidden.mean(0), rtol=1e-4, atol=1e-6)
    assert differs(before.discriminator.variables, after.discriminator.variables)
    frozen = dataclasses.replace(game, generator_optimizer=optax.set_to_zero())
    again, _ = play(frozen, 1, {"real": real})
    assert_equal(after.discriminator, again.discriminator)


def test_dropout_runs_in_training_and_not_in_evaluation():
    game = vector_game(discriminator=MLPDiscriminator((64,), dropout_rate=0.5))
    still = vector_game(discriminator=MLPDiscriminator((64,)))
    state, with_dropout = play(game)
    _, without = play(still)
    assert float(with_dropout["discriminator/loss"]) != float(without["discriminator/loss"])
    judged = [
        module.apply(state.discriminator.all_variables, REAL[0], train=False)  # no key is needed
        for module in (game.discriminator, still.discriminator)
    ]
    np.testing.assert_array_equal(*judged)


@pytest.mark.parametrize(
    "penalty_fn, points_fn",
    [(penalties.r2, penalties.on_fake), (penalties.wgan_gp, penalties.between)],
)
def test_penalties_enter_with_their_weight_and_schedule(penalty_fn, points_fn):
    def updated(weight):
        penalty = Term(penalties.gradient_penalty(penalty_fn, points_fn), weight)
        game = vector_game(
            discriminator_optimizer=optax.sgd(1.0), discriminator_terms={"p": penalty}
        )
        state, metrics = play(game)
        return state.discriminator.params, metrics

    plain, metrics = updated(0.0)
    once, _ = updated(1.0)
    twice, _ = updated(lambda step: 2.0 - step)  # a schedule, at step 0
    assert float(metrics["discriminator/p"]) > 0
    jax.tree.map(
        lambda a, b, c: np.testing.assert_allclose(c - a, 2 * (b - a), rtol=1e-3, atol=1e-5),
        plain, once, twice,
    )  # fmt: skip
    assert differs(plain, once)


@pytest.mark.parametrize("weight", (0.3, lambda step: 0.3 + step))
def test_a_term_of_the_generator_enters_with_its_weight(weight):
    """Alone, the mean of sum(fake): its gradient at the last bias is 1 in each coordinate."""
    silent = losses.AdversarialLoss(losses.hinge().discriminator, lambda real, fake: 0.0 * fake)
    game = vector_game(
        loss=silent,
        generator_optimizer=optax.sgd(0.5),
        generator_terms={"sum": Term(lambda key, context: context.fake.samples.sum(1), weight)},
    )
    before = first(game)
    after, metrics = play(game, 1, {"real": REAL}, before)
    bias = [state.generator.params["Dense_1"]["bias"] for state in (before, after)]
    np.testing.assert_allclose(bias[1] - bias[0], [-0.5 * 0.3] * 2, rtol=1e-5)
    assert float(metrics["generator/loss"]) == 0.0 != float(metrics["generator/sum"])


def test_a_head_start_holds_the_generator_still_and_then_lets_go():
    """As experiments/tutorials/gaussian_mlp.py writes it, with an optimiser that has moments."""
    game = vector_game(
        generator_optimizer=optax.transforms.conditionally_mask(
            optax.adam(1e-2), lambda updates: updates >= 3
        )
    )
    begin = first(game)
    third, _ = play(game, 3, state=begin)
    assert not differs(begin.generator.params, third.generator.params)
    assert differs(begin.discriminator.params, third.discriminator.params)
    fourth, _ = play(game, 1, state=third)
    steps = jax.tree.map(
        lambda a, b: np.abs(b - a), third.generator.params, fourth.generator.params
    )
    # Adam's first step is the learning rate, whatever the gradients were before: moments waited
    np.testing.assert_allclose(jax.tree.leaves(steps)[0].max(), 1e-2, rtol=1e-3)


def test_augmentation_reaches_everything_that_is_judged():
    images = jax.random.uniform(key, (1, 4, 4, 4, 1), minval=-1)
    game = vector_game(
        generator=MLPGenerator((4, 4, 1), (8,)), discriminator=MLPDiscriminator((8,))
    )
    _, plain = play(game, 1, {"real": images})
    _, blank = play(
        dataclasses.replace(game, augment_fn=lambda key, x, turn: jnp.zeros_like(x)),
        1,
        {"real": images},
    )
    assert float(blank["discriminator/real_logits"]) == float(blank["discriminator/fake_logits"])
    assert float(blank["generator/grad_norm"]) == 0.0 < float(plain["generator/grad_norm"])
    _, flipped = play(dataclasses.replace(game, augment_fn=flip), 1, {"real": images})
    assert float(flipped["discriminator/real_logits"]) != float(plain["discriminator/real_logits"])


def test_conditional_players():
    game = vector_game(
        generator=MLPGenerator((2,), (8,), num_classes=3),
        discriminator=MLPDiscriminator((8,), num_classes=3),
    )
    labels = jnp.arange(16)[None] % 3
    state, metrics = play(game, 2, {"real": REAL, "condition": labels})
    assert all(np.isfinite(value) for value in metrics.values())
    players = players_of(game, state, key=key)
    assert players.generator_fn(jnp.ones((4, 3)), jnp.arange(4) % 3).shape == (4, 2)


def test_moving_average_half_life_and_ramp_up():
    decay = halflife(images=1000, rampup=None)(jnp.int32(0), 100)
    np.testing.assert_allclose(decay**10, 0.5, rtol=1e-5)
    ramped = halflife(images=1000, rampup=0.1)
    assert float(ramped(jnp.int32(0), 100)) == 0.0
    np.testing.assert_allclose(ramped(jnp.int32(50), 100), 0.5 ** (100 / 500), rtol=1e-5)
    np.testing.assert_allclose(ramped(jnp.int32(10**6), 100), decay, rtol=1e-5)
    moved = move_ema({"a": jnp.array(1.0)}, {"a": jnp.array(3.0)}, jnp.float32(0.75))
    assert float(moved["a"]) == 1.5
    with pytest.raises(ValueError, match="positive"):
        halflife(images=0)


BAD_BATCHES = [
    ({"image": REAL}, ValueError, "asks the batch for 'real', which holds 'image'"),
    ({"real": REAL.astype(jnp.uint8)}, TypeError, "floating point"),
    ({"real": REAL[0]}, ValueError, "discriminator_steps=1, B"),
    ({"real": jnp.concatenate([REAL, REAL])}, ValueError, "discriminator_steps=1, B"),
    ({"real": jnp.ones((1, 16, 3))}, ValueError, r"fake is \(2,\) and real is \(3,\), rows apart"),
    (
        {"real": REAL, "condition": jnp.zeros(16, int)},
        ValueError,
        r"\['condition'\] must be \[discriminator_steps=1, B",
    ),
]


@pytest.mark.parametrize("batch, error, message", BAD_BATCHES)
def test_batches_that_do_not_fit_are_refused_while_tracing(batch, error, message):
    game = vector_game()
    with pytest.raises(error, match=message):
        jax.eval_shape(make_train_step(game), first(game), batch, key)


def test_games_that_make_no_sense():
    with pytest.raises(ValueError, match="discriminator_steps"):
        vector_game(discriminator_steps=0)
    with pytest.raises(TypeError, match=r"discriminator_terms\['r1'\] must be a Term"):
        vector_game(discriminator_terms={"r1": (penalties.r1, 0.1)})
    with pytest.raises(TypeError, match=r"generator_terms\['nll'\] must be a Term"):
        vector_game(generator_terms={"nll": lambda fake: fake})
    with pytest.raises(ValueError, match=r"weight of generator_terms\['nll'\]"):
        vector_game(generator_terms={"nll": Term(jnp.sum, float("nan"))})
    with pytest.raises(ValueError, match=r"weight of discriminator_terms\['r1'\]"):
        vector_game(
            discriminator_terms={
                "r1": Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), -1.0)
            }
        )
    with pytest.raises(ValueError, match="same shape"):
        column = dataclasses.replace(
            vector_game(),
            loss=losses.AdversarialLoss(
                lambda r, f: losses.hinge().discriminator(r, f[:, None]), losses.hinge().generator
            ),
        )
        jax.eval_shape(make_train_step(column), first(column), {"real": REAL}, key)
