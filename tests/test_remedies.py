"""Each remedy: a value worked out by hand, its place in a game, and what it refuses."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from games import vector_game

from gan_jax import augment, losses, penalties, schedules
from gan_jax.context import Context, Exhibit, Seen, Shown, Turn
from gan_jax.game import Term, alternating, init, make_train_step, simultaneous, unrolled
from gan_jax.models.blocks import maxout
from gan_jax.models.minibatch_std import MinibatchStd
from gan_jax.models.mlp import MLPDiscriminator
from gan_jax.remedies import consistency, lecam
from gan_jax.remedies.feature_matching import feature_distance, feature_matching
from gan_jax.remedies.historical_averaging import historical_averaging
from gan_jax.remedies.instance_noise import instance_noise
from gan_jax.remedies.packing import pack
from gan_jax.remedies.top_k import top_k
from gan_jax.remedies.weight_clipping import clip_weights

key = jax.random.key(0)
REAL = jax.random.normal(jax.random.key(1), (1, 16, 2))


def play(game, kind=alternating, state=None, rounds=1):
    state = init(game, key, {"real": REAL}) if state is None else state
    step = jax.jit(make_train_step(game, kind))
    for _ in range(rounds):
        state, metrics = step(state, {"real": REAL}, key)
    return state, metrics


def test_a_pack_holds_its_samples_side_by_side():
    rows = jnp.arange(8.0).reshape(4, 2)
    np.testing.assert_array_equal(pack(2)(key, rows), [[0, 1, 2, 3], [4, 5, 6, 7]])
    images = jax.random.normal(key, (6, 4, 5, 1))
    packed = pack(3)(key, images)
    assert packed.shape == (2, 4, 5, 3)
    np.testing.assert_array_equal(packed[1, :, :, 2], images[5, :, :, 0])
    np.testing.assert_array_equal(pack(1)(key, images), images)


def test_packing_in_a_game_judges_packs_and_penalizes_whole_packs():
    """D(pack) = sum of its samples' x @ w: |gradient|^2 is the pack size times |w|^2."""
    game = vector_game(
        augment_fn=pack(4),
        discriminator_terms={
            "r1": Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), 1.0)
        },
        discriminator=MLPDiscriminator(()),
    )
    state = init(game, key, {"real": REAL})
    weights = state.discriminator.params["Head_0"]["Dense_0"]["kernel"]
    assert weights.shape == (8, 1)
    _, metrics = play(game, state=state)
    np.testing.assert_allclose(metrics["discriminator/r1"], jnp.sum(weights**2) / 2, rtol=1e-5)
    with pytest.raises(ValueError, match="pack size 3 must divide the batch, got 16 samples"):
        play(dataclasses.replace(game, augment_fn=pack(3)), state=state)
    with pytest.raises(ValueError, match="at least 1 sample"):
        pack(0)


def test_packing_refuses_players_with_a_condition():
    game = vector_game(
        generator=vector_game().generator.clone(num_classes=3),
        discriminator=MLPDiscriminator((8,), num_classes=3),
        augment_fn=pack(2),
    )
    batch = {"real": REAL, "condition": jnp.zeros((1, 16), int)}
    state = init(dataclasses.replace(game, augment_fn=augment.unchanged), key, batch)
    for call in (make_train_step(game), lambda state, batch, key: init(game, key, batch)):
        with pytest.raises(ValueError, match="packing joins samples of different conditions"):
            jax.eval_shape(call, state, batch, key)


def test_instance_noise_has_its_scale_and_its_schedule():
    rows = jnp.zeros((20_000, 2))
    assert abs(instance_noise(0.3)(key, rows).std() - 0.3) < 0.005
    fading = instance_noise(schedules.linear(0.4, 0.0, end=100))
    assert abs(fading(key, rows, Turn(jnp.int32(50), "generator")).std() - 0.2) < 0.005
    assert float(jnp.abs(fading(key, rows, Turn(jnp.int32(200), "generator"))).max()) == 0.0
    with pytest.raises(ValueError, match="scale must be a finite number >= 0"):
        instance_noise(-1.0)
    with pytest.raises(ValueError, match="needs the round"):
        fading(key, rows)


def test_noise_in_a_game_is_that_of_its_round():
    faded = vector_game(augment_fn=instance_noise(schedules.linear(5.0, 0.0, end=1)))
    state = init(faded, key, {"real": REAL})
    late = dataclasses.replace(state, step=jnp.int32(1))
    _, with_noise = play(faded, state=state)
    _, without = play(faded, state=late)
    _, plain = play(vector_game(), state=late)
    name = "discriminator/real_logits"
    assert float(without[name]) == float(plain[name]) != float(with_noise[name])


def test_schedules_by_hand_and_what_they_refuse():
    at = lambda schedule, *steps: [float(schedule(jnp.int32(s))) for s in steps]  # noqa: E731
    line = schedules.linear(1.0, 0.0, begin=10, end=20)
    np.testing.assert_allclose(at(line, 0, 10, 15, 20, 99), [1, 1, 0.5, 0, 0], atol=1e-6)
    wave = schedules.cosine(1.0, 0.2, begin=10, end=20)
    np.testing.assert_allclose(at(wave, 0, 15, 20, 99), [1, 0.6, 0.2, 0.2], atol=1e-6)
    lazily = schedules.lazy(0.5, every=8)
    np.testing.assert_allclose(at(lazily, 0, 1, 7, 8, 16), [4, 0, 0, 4, 4])
    np.testing.assert_array_equal(at(schedules.until(5, 2.0), 0, 4, 5, 9), [2, 2, 0, 0])
    np.testing.assert_array_equal(at(schedules.since(5, 2.0), 0, 4, 5, 9), [0, 0, 2, 2])
    with pytest.raises(ValueError, match="end after it begins"):
        schedules.until(0)
    for make in (schedules.linear, schedules.cosine):
        with pytest.raises(ValueError, match="end after it begins"):
            make(1.0, 0.0, begin=20, end=20)
        with pytest.raises(ValueError, match="last must be a finite number >= 0"):
            make(1.0, -0.5, end=20)
    with pytest.raises(ValueError, match="every at least 1"):
        schedules.lazy(1.0, every=0)


def linear_side(samples, weights, raw=None):
    """Judged by ``x @ weights``."""
    judge_fn = lambda x: (x @ weights, {})  # noqa: E731
    return Exhibit(samples, logits=samples @ weights, judge_fn=judge_fn, augment_fn=lambda x: x)


def test_consistency_of_a_linear_discriminator():
    """D(x) = x @ w and T(x) = x + 1: (D(x) - D(Tx))^2 = (sum of w)^2."""
    weights = jnp.array([1.0, 2.0])
    made = consistency.balanced_consistency(lambda key, x: x + 1.0, fake_weight=3.0)
    sides = [linear_side(rows, weights) for rows in (jnp.ones((4, 2)), jnp.zeros((4, 2)))]
    for term in made.values():
        np.testing.assert_allclose(term.term_fn(key, Context(*sides)), [9.0] * 4)
    assert [term.weight for term in made.values()] == [10.0, 3.0]


def test_latent_consistency_and_diversity_of_a_linear_generator():
    """G(z) = 2z: with the change d of the latents, (D(2z) - D(2z + 2d))^2 and -|2d|^2."""
    latents = jax.random.normal(key, (5, 2))
    side = linear_side(2 * latents, jnp.ones(2))
    context = Context(side, side, latents=latents, show_fn=lambda z: Shown(2 * z, 2 * z))
    change = 0.1 * jax.random.normal(key, (5, 2))
    term = consistency.latent_consistency(scale=0.1)["latent_consistency"]
    found = term.term_fn(key, context)
    np.testing.assert_allclose(found, 4 * change.sum(1) ** 2, rtol=1e-3)
    term = consistency.latent_diversity(scale=0.1)["latent_diversity"]
    np.testing.assert_allclose(term.term_fn(key, context), -4 * (change**2).sum(1), rtol=1e-3)
    with pytest.raises(ValueError, match="scale must be positive"):
        consistency.latent_diversity(scale=0.0)


def test_zcr_moves_both_players():
    changes = dict(
        discriminator_terms=consistency.latent_consistency(scale=0.5),
        generator_terms=consistency.latent_diversity(scale=0.5),
    )
    _, metrics = play(vector_game(**changes))
    assert float(metrics["discriminator/latent_consistency"]) > 0
    assert float(metrics["generator/latent_diversity"]) < 0
    plain, (moved, _) = play(vector_game())[0], play(vector_game(**changes))
    for player in ("generator", "discriminator"):
        before, after = getattr(plain, player).params, getattr(moved, player).params
        assert not all(map(np.array_equal, jax.tree.leaves(before), jax.tree.leaves(after)))


def test_lecam_by_hand_and_its_averages():
    average = lecam.LogitsAverage(jnp.float32(3.0), jnp.float32(-1.0))
    sides = [Exhibit(None, logits=jnp.array([value])) for value in (1.0, -2.0)]
    # (1 - (-1))^2 + (-2 - 3)^2
    found = lecam.lecam_distance(key, Context(*sides, memory={"logits_average": average}))
    np.testing.assert_allclose(found, [29.0])
    memory = lecam.logits_average()["logits_average"]
    average = memory.init_fn(None)

    def after(step, average, value):
        said = {"discriminator/real_logits": value, "discriminator/fake_logits": -value}
        return memory.update_fn(key, average, Seen(jnp.int32(step), said, None, None))

    for step, value in enumerate([4.0, 2.0, 6.0]):
        average = after(step, average, jnp.float32(value))
    np.testing.assert_allclose(average, [4.0, -4.0], rtol=1e-6)
    late = after(10**6, average, jnp.float32(0.0))
    np.testing.assert_allclose(late, [3.96, -3.96], rtol=1e-6)


def test_lecam_in_a_game_sees_the_rounds_before():
    game = vector_game(
        discriminator_terms=lecam.lecam(0.5),
        memory=lecam.logits_average(),
        discriminator_optimizer=optax.sgd(0.0),
    )
    state, first = play(game)
    average = state.memory["logits_average"]
    np.testing.assert_allclose(average.real, first["discriminator/real_logits"])
    _, second = play(game, state=state)
    assert float(first["discriminator/lecam"]) != float(second["discriminator/lecam"])
    forgetful = dataclasses.replace(game, memory={})
    with pytest.raises(ValueError, match="no memory 'logits_average', it has none"):
        play(forgetful)


def test_feature_matching_by_hand_and_in_a_game():
    rows = jnp.array([[1.0, 0.0], [3.0, 0.0]]), jnp.zeros((2, 2))
    sides = [Exhibit(x, sown={"features": (x,)}) for x in rows]
    assert float(feature_distance(key, Context(*sides))) == 4.0
    silent = losses.non_saturating()._replace(generator=losses.none().generator)
    game = vector_game(loss=silent, generator_terms=feature_matching(1.0))
    first, metrics = play(game)
    assert float(metrics["generator/feature_matching"]) > 0
    assert float(metrics["generator/grad_norm"]) > 0
    _, later = play(game, rounds=30, state=first)
    assert later["generator/feature_matching"] < metrics["generator/feature_matching"]


def test_top_k_keeps_the_most_real():
    values, logits = jnp.array([1.0, 2.0, 3.0, 4.0]), jnp.array([0.5, -1.0, 2.0, 0.0])
    step = jnp.int32(0)
    assert float(top_k(0.5)(values, logits, step)) == 2.0  # of logits 2 and 0.5
    assert float(top_k(0.6)(values, logits, step)) == pytest.approx((3 + 1 + 4) / 3)
    assert float(top_k(1.0)(values, logits, step)) == 2.5
    slopes = jax.grad(lambda v: top_k(0.5)(v, logits, step))(values)
    np.testing.assert_allclose(slopes, [0.5, 0, 0.5, 0])
    shrinking = top_k(schedules.linear(1.0, 0.5, end=10))
    assert float(shrinking(values, logits, jnp.int32(10))) == 2.0
    with pytest.raises(ValueError, match=r"share must be in \(0, 1\]"):
        top_k(0.0)
    _, metrics = play(vector_game(generator_mean_fn=top_k(0.25)))
    assert np.isfinite(metrics["generator/loss"])


def test_weights_stay_clipped():
    optimizer = optax.chain(optax.sgd(10.0), clip_weights(0.01))
    state, _ = play(vector_game(discriminator_optimizer=optimizer, loss=losses.wasserstein()))
    largest = [float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(state.discriminator.params)]
    assert max(largest) == pytest.approx(0.01, rel=1e-4)
    with pytest.raises(ValueError, match="limit must be positive"):
        clip_weights(0.0)


def test_historical_averaging_by_hand():
    optimizer = historical_averaging(0.5)
    params = [jnp.array(2.0), jnp.array(6.0)]
    state = optimizer.init(params[0])
    gradient, state = optimizer.update(jnp.array(1.0), state, params[0])
    assert float(gradient) == 1.0  # the mean is the point itself
    gradient, state = optimizer.update(jnp.array(1.0), state, params[1])
    assert float(gradient) == 1.0 + 2 * 0.5 * (6.0 - 4.0)
    play(vector_game(generator_optimizer=optax.chain(historical_averaging(1.0), optax.adam(1e-3))))


def test_minibatch_deviation_by_hand():
    layer = MinibatchStd(group_size=2)
    features = jnp.array([[0.0, 1.0], [2.0, 1.0], [5.0, 5.0], [5.0, 9.0]])
    # rows 0 and 1 form a group, 2 and 3 another: deviations (1, 0) and (0, 2)
    out = layer.apply({}, features)
    np.testing.assert_allclose(out[:, 2], [0.5, 0.5, 1.0, 1.0], atol=1e-4)
    np.testing.assert_array_equal(out[:, :2], features)
    images = jax.random.normal(key, (4, 3, 3, 2))
    assert layer.apply({}, images).shape == (4, 3, 3, 3)
    with pytest.raises(ValueError, match="group_size 3 must divide the batch"):
        MinibatchStd(group_size=3).apply({}, features)
    game = vector_game(discriminator=MLPDiscriminator((8,), statistic_fn=MinibatchStd))
    assert np.isfinite(play(game)[1]["discriminator/loss"])


def test_maxout_keeps_the_largest_of_neighbors():
    np.testing.assert_array_equal(maxout(2)(jnp.array([[1.0, 3.0, -2.0, -5.0]])), [[3.0, -2.0]])


def test_color_and_cutout():
    images = jax.random.uniform(key, (64, 8, 8, 3), minval=-1)
    brighter = augment.color(brightness=0.5, saturation=0.0, contrast=0.0)(key, images)
    change = (brighter - images).reshape(64, -1)
    np.testing.assert_allclose(change, np.broadcast_to(change[:, :1], change.shape), atol=1e-6)
    assert len(np.unique(np.asarray(change[:, 0]).round(4))) > 50 and np.abs(change).max() <= 0.5
    for changes in (dict(saturation=1.0, contrast=0.0), dict(saturation=0.0, contrast=0.5)):
        changed = augment.color(brightness=0.0, **changes)(key, images)
        np.testing.assert_allclose(changed.mean((1, 2, 3)), images.mean((1, 2, 3)), atol=1e-5)
        assert float(jnp.abs(changed - images).max()) > 0.1
    covered = augment.cutout(share=0.5, fill=9.0)(key, images) == 9.0
    assert covered.sum((1, 2, 3)).max() == 4 * 4 * 3  # a whole square, unless the border cuts it
    assert covered.sum((1, 2, 3)).min() >= 2 * 2 * 3
    with pytest.raises(ValueError, match="share"):
        augment.cutout(share=0.0)
    with pytest.raises(ValueError, match="brightness"):
        augment.color(brightness=-1.0)


def test_no_steps_of_unrolling_are_alternating_play():
    game = vector_game()
    plain, _ = play(game)
    same, _ = play(game, unrolled(steps=0))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), plain, same)


UNROLLED = [
    (optax.adam(1e-3), "eps_root"),
    (optax.sign_sgd(1e-3), "do not change with the gradients"),
    (optax.set_to_zero(), "do not change with the gradients"),
]


@pytest.mark.parametrize("optimizer, message", UNROLLED)
def test_optimizers_that_cannot_be_unrolled(optimizer, message):
    game = vector_game(discriminator_optimizer=optimizer)
    with pytest.raises(ValueError, match=message):
        play(game, unrolled(steps=2))


@pytest.mark.thorough
@pytest.mark.parametrize("optimizer", (optax.adam(1e-2, eps_root=1e-8), optax.sgd(0.1)))
def test_unrolling_changes_the_generators_step_only(optimizer):
    game = vector_game(discriminator_optimizer=optimizer)
    plain, _ = play(game)
    ahead, metrics = play(game, unrolled(steps=3))
    jax.tree.map(
        np.testing.assert_array_equal, plain.discriminator.params, ahead.discriminator.params
    )
    bias = [state.generator.params["Dense_1"]["bias"] for state in (plain, ahead)]
    assert not np.array_equal(*bias)
    assert all(np.isfinite(value) for value in metrics.values())


def test_plays_of_one_step_refuse_more():
    with pytest.raises(ValueError, match="simultaneous play takes one step of each player"):
        play(vector_game(generator_steps=2), simultaneous)
    with pytest.raises(ValueError, match="steps of unrolling must not be negative"):
        unrolled(steps=-1)


def test_simultaneous_play_shares_one_forward_pass():
    """Less work than alternating play, which draws new fakes and judges them for the generator."""
    game = vector_game(generator=vector_game().generator.clone(widths=(64, 64)))
    state = init(game, key, {"real": REAL})
    work = [
        jax.jit(make_train_step(game, kind))
        .lower(state, {"real": REAL}, key)
        .compile()
        .cost_analysis()["flops"]
        for kind in (simultaneous, alternating)
    ]
    assert work[0] < 0.9 * work[1]
