"""Ten hard games: each traces under the plays, trains, and keeps a relation of its own."""

import dataclasses
import operator
from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hard_games import (
    CLASSES,
    EVERY,
    HARD_GAMES,
    IMAGES,
    PLACES,
    TARGET,
    controller,
    growing_shown,
    path_length,
    r1_of_raw,
    smaller,
)
from jax.sharding import Mesh, PartitionSpec
from variants import ROWS, SIZE, cross_entropy, normal

from gan_jax.game import (
    Context,
    Exhibit,
    Rows,
    Seen,
    Shown,
    Turn,
    alternating,
    draw_latents,
    init,
    make_train_step,
    simultaneous,
)
from gan_jax.game.keys import update_keys
from gan_jax.models.blocks import DEVICE_AXIS

key = jax.random.key(0)
every_game = pytest.mark.parametrize("name", HARD_GAMES)
close = partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-6)
ROUNDS = 4


class Run(NamedTuple):
    """Rounds of a game: the states around them, what they logged, and the compiled step."""

    game: object
    batch: dict
    states: list
    metrics: list
    step_fn: object
    traces: list


@pytest.fixture(scope="module")
def run_of():
    """name -> its run, played once in this module."""
    return cache(lambda name: played(HARD_GAMES[name]()))


def played(variant):
    traces, train_step = [], make_train_step(variant.game)

    @jax.jit
    def step_fn(state, batch, key):
        traces.append(1)
        return train_step(state, batch, key)

    states, metrics = [jax.jit(partial(init, variant.game))(key, variant.batch)], []
    for _ in range(ROUNDS):
        state, logged = step_fn(states[-1], variant.batch, key)
        states.append(state)
        metrics.append(jax.device_get(logged))
    return Run(variant.game, variant.batch, states, metrics, step_fn, traces)


def latents_of(run, step):
    """What the generator's update of a round drew."""
    player_key = jax.random.split(jax.random.fold_in(key, step))[1]
    update_key = jax.random.split(player_key, 1)[0]
    return draw_latents(run.game, update_keys(update_key).latents, ROWS)


def without_parameters(run, player):
    """The first state, and all parameters of a player 0."""
    params = jax.tree.map(jnp.zeros_like, run.states[0].player(player).params)
    return run.states[0].with_params(player, params)


def layout(state):
    return jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), state)


@pytest.mark.parametrize("play, parts", [(alternating, 2), (simultaneous, 1)])
@every_game
def test_every_game_traces_in_parts_and_simultaneously(name, play, parts):
    variant = HARD_GAMES[name]()
    game = dataclasses.replace(variant.game, micro_batches=parts)
    state = jax.eval_shape(partial(init, game), key, variant.batch)
    after, metrics = jax.eval_shape(make_train_step(game, play), state, variant.batch, key)
    assert layout(after) == layout(state)
    assert {value.shape for value in metrics.values()} == {()}


@every_game
def test_every_game_is_traced_once_and_keeps_its_state(name, run_of):
    """A memory that began with a weak type would be traced twice."""
    run = run_of(name)
    assert len(run.traces) == 1
    assert layout(run.states[-1]) == layout(run.states[0])


@every_game
def test_every_leaf_of_both_players_moves_and_all_figures_are_finite(name, run_of):
    run = run_of(name)
    for metrics in run.metrics:
        assert all(np.isfinite(value) for value in metrics.values()), metrics
    for player in ("generator", "discriminator"):
        first, last = (run.states[i].player(player).params for i in (0, -1))
        still = [
            jax.tree_util.keystr(path)
            for (path, a), b in zip(
                jax.tree_util.tree_leaves_with_path(first), jax.tree.leaves(last), strict=True
            )
            if np.array_equal(a, b)
        ]
        assert not still, player


def test_style_mixing_the_mean_of_w_and_the_memory_of_the_path_length(run_of):
    """``w_mean`` moves in the generator's own update only, by the first of two mappings."""
    run, w_mean, length = run_of("stylegan2"), np.zeros(SIZE), 0.0
    for step, metrics in enumerate(run.metrics):
        player = run.states[step].generator
        w = run.game.generator.apply(
            player.all_variables, latents_of(run, step)["z"],
            moves=False, train=True, method="mapping",
        )  # fmt: skip
        w_mean = 0.995 * w_mean + 0.005 * w.mean(0)
        after = run.states[step + 1]
        close(after.generator.variables["averages"]["w_mean"], w_mean)
        skipped = step % EVERY != 0
        length += 0.0 if skipped else 0.01 * (metrics["generator/path_length/length"] - length)
        close(after.memory["length"], length)
        lazy = [metrics[n] for n in ("generator/path_length", "discriminator/r1")]
        assert (lazy == [0.0, 0.0]) == skipped


def test_the_path_length_of_a_linear_synthesis():
    """``x = sum_l w_l A``: the gradient of ``x . y`` with respect to each style is ``A y``."""
    matrix, direction = normal(0, SIZE, 4), normal(1, 4, 4)
    context = Context(
        None, None, latents={"direction": direction}, extras={"ws": normal(2, 4, 2, SIZE)},
        memory={"length": 0.5}, generator_fn=lambda ws, method: ws.sum(1) @ matrix,
    )  # fmt: skip
    values, reports = path_length(key, context)
    lengths = jnp.linalg.norm(direction[::2] @ matrix.T, axis=1)
    close(values, (lengths - 0.5) ** 2)
    close(reports["length"], lengths.mean())


def test_the_strength_of_ada_follows_the_accuracy_and_is_never_negative(run_of):
    run, signs, p = run_of("ada"), 0.0, 0.0
    for step, metrics in enumerate(run.metrics):
        signs += 2 * metrics["discriminator/real_accuracy"] - 1
        if step % EVERY == EVERY - 1:
            p += np.sign(signs / EVERY - TARGET) * EVERY * ROWS / IMAGES
            p, signs = max(p, 0.0), 0.0
        close(run.states[step + 1].memory["ada"]["p"], p)
    assert p > 0
    rows = Rows(None, Shown(jnp.zeros((ROWS, 1)), None))
    value, by_round = {"p": 0.15, "signs": 0.0}, []
    for step in range(6):  # an accuracy of 1/2 is below the target
        seen = Seen(step, {"discriminator/real_accuracy": 0.5}, None, rows)
        value = controller(key, value, seen)
        by_round.append(float(value["p"]))
    close(by_round, [0.15, 0.05, 0.05, 0.0, 0.0, 0.0])


def test_r1_through_an_augmentation_has_its_slope():
    """Half the contrast of all images: a quarter of the penalty."""
    slope, raw = normal(3, SIZE), normal(4, ROWS, SIZE)
    real = Exhibit(None, raw, augment_fn=lambda raw: 0.5 * raw, judge_fn=lambda x: (x @ slope, {}))
    close(r1_of_raw(key, Context(real, None)), np.full(ROWS, 0.25 * (slope @ slope) / 2))


@pytest.mark.parametrize("step, alpha", [(0, 0.0), (1, 0.5), (2, 1.0), (9, 1.0)])
def test_growing_fades_real_and_fake_by_the_round(step, alpha):
    variant = HARD_GAMES["progressive"]()
    turn, latents = Turn(jnp.int32(step), "generator"), normal(5, ROWS, SIZE)
    variables = variant.game.generator.init(key, latents, jnp.zeros(ROWS), train=True)
    generator_fn = partial(variant.game.generator.apply, variables, train=True)
    shown = growing_shown(generator_fn, latents, variant.rows, turn)
    close(shown.condition, np.full(ROWS, alpha))
    for images in (shown.real, shown.fake):
        blocks = images.reshape(ROWS, 2, 2, 2, 2)
        flat = np.allclose(blocks, blocks.mean((2, 4), keepdims=True), atol=1e-6)
        assert flat == (alpha == 0.0)
    close(smaller(shown.real), smaller(variant.rows["real"]), atol=1e-5)
    if alpha == 1.0:
        close(shown.real, variant.rows["real"])


def test_the_generator_sees_twice_the_rows_and_fakes_are_judged_by_their_own_class(run_of):
    for metrics in run_of("sngan").metrics:
        assert metrics["generator/rows"] == 2 * ROWS == 2 * metrics["discriminator/rows"]
        assert metrics["generator/rows/told"] == metrics["discriminator/rows/told"] == 1.0


def test_places_that_look_alike_are_told_apart_by_chance(run_of):
    """With a head of zeros all places have one description: the loss is that of a guess."""
    run = run_of("cut")
    params = dict(run.states[0].generator.params)
    params["head"] = jax.tree.map(jnp.zeros_like, params["head"])
    _, metrics = run.step_fn(run.states[0].with_params("generator", params), run.batch, key)
    close([metrics[f"generator/{name}"] for name in ("made", "same")], [np.log(PLACES)] * 2)


def test_before_its_first_round_reinforce_moves_nothing(run_of):
    run, rate = run_of("seqgan"), 0.05
    before, after = run.states[:2]

    def likelihood(params):
        tokens = run.batch["real"][0]
        return -run.game.generator.apply({"params": params}, tokens, method="log_prob").mean()

    slopes = jax.grad(likelihood)(before.generator.params)
    expected = jax.tree.map(lambda p, g: p - rate * g, before.generator.params, slopes)
    jax.tree.map(close, after.generator.params, expected)
    value = 0.5
    for step, metrics in enumerate(run.metrics):
        phase = [metrics[f"generator/{name}"] != 0 for name in ("likelihood", "reinforce")]
        assert phase == ([True, False] if step == 0 else [False, True])
        value += 0.1 * (metrics["generator/reinforce/reward"] - value) if step else 0.0
        close(run.states[step + 1].memory["baseline"], value)


def test_eight_judges_are_summed(run_of):
    """With logits of 0 least squares are 1/2 of each judge, whatever the shape of its logits."""
    run = run_of("hifigan")
    _, metrics = run.step_fn(without_parameters(run, "discriminator"), run.batch, key)
    close(metrics["discriminator/loss"], 8 * 0.5)


def test_k_plus_one_classes_are_a_logit_and_k_classes(run_of):
    """``CE = softplus(-LSE) + CE_K`` of reals, ``softplus(LSE)`` of fakes, whose logit is 0."""
    run = run_of("semi_supervised")
    classes, y = normal(6, ROWS, CLASSES), jnp.arange(ROWS) % CLASSES
    all_classes = jnp.concatenate([classes, jnp.zeros((ROWS, 1))], axis=1)
    logits = jax.nn.logsumexp(classes, axis=1)
    of_real, of_fake = run.game.loss.discriminator(logits, 0 * logits), jax.nn.softplus(0.0)
    close(cross_entropy(all_classes, y), of_real - of_fake + cross_entropy(classes, y))
    of_fake = cross_entropy(all_classes, jnp.full(ROWS, CLASSES))
    close(of_fake, run.game.loss.discriminator(0 * logits, logits) - jax.nn.softplus(0.0))
    # and the first layer is normalised by the first rows
    variables = run.states[0].discriminator.all_variables
    _, sown = run.game.discriminator.apply(
        variables, run.batch["real"][0], train=True, mutable=["intermediates"]
    )
    (inner,) = sown["intermediates"]["inner"]
    close(inner.mean(0), np.zeros(8), atol=1e-5)
    close(inner.std(0), np.ones(8))


def test_an_autoencoder_without_parameters_has_the_errors_of_zeros(run_of):
    run = run_of("vae")
    _, metrics = run.step_fn(without_parameters(run, "generator"), run.batch, key)
    close(metrics["generator/kl"], 0.0)
    close(metrics["generator/error"], jnp.square(run.batch["real"]).sum(-1).mean() / 2)
    assert metrics["generator/loss"] == metrics["discriminator/grad_norm"] == 0.0


def test_codes_are_the_fakes_of_an_adversarial_autoencoder(run_of):
    run = run_of("adversarial_autoencoder")
    _, metrics = run.step_fn(without_parameters(run, "generator"), run.batch, key)
    close(metrics["generator/again"], jnp.abs(run.batch["x"]).mean())
    hidden = run.states[0].discriminator.params["Dense_0"]["kernel"]
    assert hidden.shape == (2, 8)  # of codes


@pytest.fixture(scope="module")
def on_four_devices(run_of):
    """name -> the last state of its run on four devices, and all that it logged; played once."""
    mesh = Mesh(np.array(jax.devices()[:4]), (DEVICE_AXIS,))
    whole, by_rows = PartitionSpec(), PartitionSpec(None, DEVICE_AXIS)

    @cache
    def of(name):
        run, logged = run_of(name), []
        step_fn = jax.shard_map(
            make_train_step(run.game, axis_name=DEVICE_AXIS), mesh=mesh, check_vma=False,
            in_specs=(whole, by_rows, whole), out_specs=(whole, whole),
        )  # fmt: skip
        state, step_fn = run.states[0], jax.jit(step_fn)
        for _ in range(ROUNDS):
            state, metrics = step_fn(state, run.batch, key)
            logged.append(jax.device_get(metrics))
        return state, logged

    return of


@pytest.mark.parametrize(
    "name",
    (
        "stylegan2",
        pytest.param("seqgan", marks=pytest.mark.thorough),
        pytest.param("semi_supervised", marks=pytest.mark.slow),
        pytest.param("sngan", marks=pytest.mark.slow),
    ),
)
def test_four_devices_play_the_game_of_one(name, run_of, on_four_devices):
    """What is drawn for an example is a leaf of the latents; what compares rows gathers them."""
    run, (state, metrics) = run_of(name), on_four_devices(name)
    jax.tree.map(close, metrics, run.metrics)
    for part in ("generator.params", "discriminator", "memory"):
        parts = map(operator.attrgetter(part), (state, run.states[-1]))
        jax.tree.map(partial(close, atol=1e-5), *parts)


def test_a_variable_of_four_devices_is_that_of_one(run_of, on_four_devices):
    """Each device would keep the mean of its own rows, another than the others."""
    states = on_four_devices("stylegan2")[0], run_of("stylegan2").states[-1]
    found, expected = (state.generator.variables["averages"]["w_mean"] for state in states)
    for shard in found.addressable_shards:
        close(shard.data, expected)
