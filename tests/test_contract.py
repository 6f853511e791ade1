"""What a game, its terms and its memories may rely on, and the one message that each mistake gets."""

import dataclasses
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from games import vector_game
from test_variants import feed_of
from variants import VARIANTS, Autoencoder, Variant, game, normal

from gan_jax import losses, penalties
from gan_jax.context import Context, Exhibit
from gan_jax.game import Memory, Shown, Term, init, make_train_step
from gan_jax.game.check_batch import num_rows
from gan_jax.game.plays import alternating
from gan_jax.game.scan import traced_for
from gan_jax.game.update import repeat
from gan_jax.models.absent import Absent
from gan_jax.models.blocks import BatchNorm
from gan_jax.models.mlp import MLPDiscriminator
from gan_jax.remedies.feature_matching import feature_matching
from gan_jax.training.parallel import jit_arrangement, shard_map_arrangement

key = jax.random.key(0)
ROWS = 16
REAL = normal(20, ROWS, 2)
BATCH = {"real": REAL[None]}
gradient_penalty = penalties.gradient_penalty


def play(made, batch=BATCH, rounds=1, state=None, kind=alternating):
    state = state or jax.jit(partial(init, made))(key, batch)
    step = jax.jit(make_train_step(made, kind))
    for _ in range(rounds):
        state, metrics = step(state, batch, key)
    return state, metrics


def trace(made, batch=BATCH):
    """Everything that is refused is refused here, before anything is compiled."""
    state = jax.eval_shape(partial(init, made), key, batch)
    return jax.eval_shape(make_train_step(made), state, batch, key)


def close(first, second, rtol=1e-5):
    jax.tree.map(partial(np.testing.assert_allclose, rtol=rtol, atol=1e-6), first, second)


# Bad input


def shows(real, fake):
    return lambda generator_fn, latents, batch, turn: Shown(
        real(batch), fake(generator_fn(latents, None))
    )


def a_term(value):
    return dict(generator_terms={"mine": Term(lambda key, context: value(context))})


def wrapped(generator_fn, latents, batch, turn):
    samples, _ = jax.vjp(generator_fn, latents)
    return Shown(batch["real"], samples)


normed = vector_game().generator.clone(norm_fn=BatchNorm)
REFUSED = {
    "a condition of the fakes of other rows": (
        dict(
            show_fn=lambda g, latents, batch, turn: Shown(
                batch["real"], g(latents), jnp.zeros(ROWS), jnp.zeros(1)
            )
        ),
        ValueError,
        r"fake_condition of Shown must have 16 rows, got shape \(1,\)",
    ),
    "another structure": (
        dict(show_fn=shows(lambda b: (b["real"], b["real"]), lambda x: x)),
        ValueError,
        r"one structure, got real: \[0\] float32\[16, 2\], \[1\] .*; fake: an array float32\[16, 2\]",
    ),
    "another shape": (
        dict(show_fn=shows(lambda b: b["real"], lambda x: x[:, :1])),
        ValueError,
        r"fake is \(1,\) and real is \(2,\), rows apart",
    ),
    "another dtype": (
        dict(show_fn=shows(lambda b: b["real"].astype(jnp.int32), lambda x: x)),
        TypeError,
        "real is int32 and fake is float32",
    ),
    "no Shown": (
        dict(show_fn=lambda g, latents, batch, turn: (batch["real"], g(latents))),
        TypeError,
        r"show_fn must return Shown\(real, fake, ...\), got tuple",
    ),
    "a batch without a field": (
        dict(show_fn=shows(lambda b: b["clean"], lambda x: x)),
        ValueError,
        "show_fn asks the batch for 'clean', which holds 'real'",
    ),
    "a method that is not there": (
        dict(
            show_fn=lambda g, latents, batch, turn: Shown(batch["real"], g(latents, method="draw"))
        ),
        ValueError,
        "MLPGenerator has no method 'draw', it has __call__\n",
    ),
    "a column of values": (
        a_term(lambda context: context.fake.samples[:, :1]),
        ValueError,
        r"generator's term 'mine' must give one value per row \[N\], or a scalar, got \(16, 1\)",
    ),
    "a table of values": (
        a_term(lambda context: context.fake.logits[:, None] - context.real.logits[None]),
        ValueError,
        r"or a scalar, got \(16, 16\)",
    ),
    "an extra that is not made": (
        a_term(lambda context: context.extras["cycle"]),
        ValueError,
        "show_fn gives no extras 'cycle', it gives none",
    ),
    "nothing": (
        a_term(lambda context: None),
        ValueError,
        "'mine' must give one value per row .* got None",
    ),
    "a number as a condition": (
        dict(show_fn=lambda g, latents, batch, turn: Shown(batch["real"], g(latents), 1.0)),
        ValueError,
        r"condition of Shown must have 16 rows, got shape \(\)",
    ),
    "what is not sown": (
        a_term(lambda context: context.fake.sown["classes"][0]),
        ValueError,
        "of the fake side the discriminator sows no 'classes', it sows 'features'",
    ),
    "what is not remembered": (
        a_term(lambda context: context.memory["pool"]),
        ValueError,
        "the game has no memory 'pool', it has none",
    ),
    "a memory of another shape": (
        dict(memory={"m": Memory(lambda rows: 0.0, lambda key, value, seen: jnp.ones(3))}),
        ValueError,
        r"memory 'm' must keep its structure, shapes and dtypes: it was float32\[\], and is float32\[3\]",
    ),
    "latents of other rows": (
        dict(latent_fn=lambda key, shape: jnp.zeros((2 * shape[0], 3))),
        ValueError,
        r"must give leaves of 16 rows, got \(32, 3\)",
    ),
    "a method that was never initialised": (
        dict(
            generator=Autoencoder(2),
            latent_size=2,
            show_fn=lambda g, latents, batch, turn: Shown(
                batch["real"], g(latents, method="decode")
            ),
            **a_term(
                lambda context: context.generator_fn(context.batch["real"], method="encode").sum(1)
            ),
        ),
        ValueError,
        "a call of Autoencoder finds no parameters: what only a term calls must be called in show_fn",
    ),
    "another name in a batch": (
        a_term(lambda context: context.batch["label"]),
        ValueError,
        "a term asks the batch for 'label', which holds 'real'",
    ),
    "a transformation around what writes": (
        dict(generator=normed, show_fn=wrapped),
        ValueError,
        "a call of MLPGenerator, which writes variables, is wrapped in a transformation of JAX",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_mistake_gets_one_message_while_tracing(what):
    changes, error, message = REFUSED[what]
    with pytest.raises(error, match=message):
        trace(vector_game(**changes))


NAMES = ["loss", "grad_norm", "update_ratio", "real_logits", "fake_accuracy", "a/b"]


@pytest.mark.parametrize("name", NAMES)
def test_a_term_may_not_take_the_name_of_a_metric(name):
    for field in ("generator_terms", "discriminator_terms"):
        with pytest.raises(ValueError, match=rf"{field}\['{name}'\] must have another name"):
            vector_game(**{field: {name: Term(lambda key, context: context.fake.logits)}})


def test_a_batch_says_how_many_rows_there_are():
    assert num_rows({"real": REAL, "labelled": {"x": REAL[:4]}}) == ROWS
    assert num_rows({"a": {"real": REAL}, "b": {"real": REAL}}) == ROWS
    with pytest.raises(
        ValueError, match=r"\['a'\]\['real'\]': 16, \"\['b'\]\['real'\]\": 4|one length"
    ):
        num_rows({"a": {"real": REAL}, "b": {"real": REAL[:4]}})
    with pytest.raises(ValueError, match="no leaves"):
        num_rows({})


def test_a_field_that_must_be_a_function():
    with pytest.raises(TypeError, match="show_fn must be a function, got None"):
        vector_game(show_fn=None)


def test_the_axis_of_devices_has_one_name():
    with pytest.raises(ValueError, match="axis_name must be 'batch'"):
        make_train_step(vector_game(), axis_name="devices")


# Terms


def test_rows_a_scalar_and_reports_are_one_term():
    def of(value):
        return play(vector_game(**a_term(value)))

    rows, mean, pair = (
        of(lambda c: c.fake.samples.sum(1)),
        of(lambda c: c.fake.samples.sum(1).mean()),
        of(lambda c: (c.fake.samples.sum(1), {"first": c.fake.samples[:, 0].mean()})),
    )
    close(rows, mean)
    close(rows[0], pair[0])
    assert pair[1].keys() - rows[1].keys() == {"generator/mine/first"}


def test_a_report_of_any_shape_is_seen_by_a_memory_and_only_scalars_are_logged():
    term = Term(lambda key, c: (c.real.logits, {"mean": c.real.samples.mean(0)}), 0.0)
    remembered = Memory(
        lambda rows: jnp.zeros(2), lambda key, value, seen: seen.metrics["discriminator/t/mean"]
    )
    made = vector_game(
        discriminator_terms={"t": term}, memory={"mean": remembered}, micro_batches=2
    )
    state, metrics = play(made)
    close(state.memory["mean"], REAL.mean(0))
    assert "discriminator/t/mean" not in metrics


def test_a_new_term_leaves_the_draws_of_the_others():
    gp = {"gp": Term(gradient_penalty(penalties.wgan_gp, penalties.between), 1.0)}
    noise = {"noise": Term(lambda key, c: jax.random.normal(key, c.real.logits.shape), 1.0)}
    (_, alone), (_, beside) = (play(vector_game(discriminator_terms=t)) for t in (gp, noise | gp))
    for name in alone:
        np.testing.assert_allclose(alone[name], beside[name], rtol=1e-5)


def test_a_schedule_of_zero_skips_the_term():
    term = Term(gradient_penalty(penalties.r1, penalties.on_real), lambda step: 1.0 * (step % 2))
    lazy, without = vector_game(discriminator_terms={"r1": term}), vector_game()
    (state, metrics), (plain, _) = play(lazy), play(without)
    assert float(metrics["discriminator/r1"]) == 0.0
    close(state.discriminator.params, plain.discriminator.params)
    _, metrics = play(lazy, state=state)
    assert float(metrics["discriminator/r1"]) > 0.0
    program = str(jax.make_jaxpr(make_train_step(lazy))(state, BATCH, key))
    assert "cond[" in program


def test_convolutions_on_a_cpu_are_selected_and_not_branched():
    """Their gradients are forty times slower in a branch; on a TPU they branch."""
    made, batch = VARIANTS["pix2pix"]().game, VARIANTS["pix2pix"]().batch
    r1 = Term(gradient_penalty(penalties.r1, penalties.on_real), lambda step: 1.0 * (step % 2))
    made = dataclasses.replace(made, discriminator_terms={"r1": r1})
    state = jax.eval_shape(partial(init, made), key, batch)
    step = make_train_step(made)
    assert "cond[" not in str(jax.make_jaxpr(step)(state, batch, key))
    with traced_for("tpu"):
        assert "cond[" in str(jax.make_jaxpr(lambda *args: step(*args))(state, batch, key))


def test_a_skipped_term_sends_no_nan_back_through_a_convolution():
    """Where both branches are computed, the slope of the one that is not taken may be infinite."""
    made, batch = VARIANTS["pix2pix"]().game, VARIANTS["pix2pix"]().batch
    root = Term(
        lambda key, c: jnp.sqrt(0.0 * c.real.logits_fn(c.real.samples)).mean((1, 2)),
        lambda step: 0.0 * step,
    )
    made = dataclasses.replace(made, discriminator_terms={"root": root})
    state = jax.eval_shape(partial(init, made), key, batch)
    assert "cond[" not in str(jax.make_jaxpr(make_train_step(made))(state, batch, key))
    state, metrics = play(made, batch)
    assert float(metrics["discriminator/root"]) == 0.0
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state))


def test_means_of_bfloat16_are_taken_in_float32():
    ones = Term(lambda key, c: jnp.full(c.real.logits.shape, 1.0 + 2**-7, jnp.bfloat16), 1.0)
    _, metrics = play(vector_game(discriminator_terms={"ones": ones}))
    assert metrics["discriminator/ones"].dtype == jnp.float32
    assert float(metrics["discriminator/ones"]) == 1.0 + 2**-7


class Counting(nn.Module):
    """Its logits say how often it was called before."""

    @nn.compact
    def __call__(self, samples, condition=None, *, train):
        calls = self.variable("averages", "calls", lambda: jnp.zeros(()))
        logits = 0.0 * nn.Dense(1)(samples)[:, 0] + calls.value
        calls.value += 1.0
        return logits


def test_only_in_its_own_turn_does_the_discriminator_go_on_from_its_real_pass():
    later = Term(lambda key, c: c.fake.logits - c.real.logits, 0.0)
    terms = {f"{player}_terms": {"later": later} for player in ("generator", "discriminator")}
    _, metrics = play(vector_game(discriminator=Counting(), **terms))
    assert [metrics[f"{p}/later"] for p in ("generator", "discriminator")] == [0.0, 1.0]


def test_terms_that_look_again_leave_no_trace_in_running_statistics():
    players = dict(generator=normed, discriminator=MLPDiscriminator((8,), norm_fn=BatchNorm))

    def look_again(key, c):
        again = (
            c.generator_fn(c.latents + 1.0),
            c.show_fn(c.latents).fake,
            c.real.logits_fn(c.real.samples),
        )
        return sum(jnp.sum(x) for x in again) + jnp.sum(c.discriminator_fn(c.real.samples))

    terms = {f"{p}_terms": {"again": Term(look_again, 0.0)} for p in ("generator", "discriminator")}
    (one, _), (other, _) = play(vector_game(**players)), play(vector_game(**players, **terms))
    for player in ("generator", "discriminator"):
        close(one.player(player).variables, other.player(player).variables)
        assert set(other.player(player).variables) == {"batch_stats"}  # and nothing that was sown


def test_a_generator_that_is_called_twice_moves_its_statistics_twice():
    def twice(generator_fn, latents, batch, turn):
        generator_fn(latents + 1.0)
        return Shown(batch["real"], generator_fn(latents))

    made = vector_game(
        generator=normed, show_fn=twice, latent_fn=lambda key, shape: jnp.ones(shape)
    )
    before = jax.jit(partial(init, made))(key, BATCH)
    after, _ = play(made, state=before)
    dense = before.generator.params["Dense_0"]
    first, second = (
        (jnp.full((1, 3), value) @ dense["kernel"])[0] + dense["bias"] for value in (2.0, 1.0)
    )
    expected = 0.9 * 0.1 * first + 0.1 * second
    mean, _ = jax.tree.leaves(after.generator.variables)
    close(mean, expected)


def test_a_side_is_judged_with_another_condition_of_other_rows():
    players = dict(
        generator=vector_game().generator.clone(num_classes=3),
        discriminator=MLPDiscriminator((8,), num_classes=3),
    )

    def on_a_quarter(key, context):
        return context.real.logits_fn(context.real.samples[::4], context.real.condition[::4])

    terms = {"quarter": Term(on_a_quarter), "all": Term(lambda key, c: c.real.logits[::4])}
    made = vector_game(**players, discriminator_terms=terms)
    _, metrics = play(made, {**BATCH, "condition": jnp.arange(ROWS)[None] % 3})
    np.testing.assert_allclose(
        metrics["discriminator/quarter"], metrics["discriminator/all"], rtol=1e-5
    )


# Several judges


def test_penalties_of_several_judges_are_those_of_each_summed():
    points = normal(22, 6, 3)
    u, v = jnp.array([3.0, 0.0, 4.0]), jnp.array([0.0, 1.0, 0.0])
    both = lambda x: {"a": x @ u, "b": x @ v}  # noqa: E731
    for fn in (penalties.r1, penalties.r2, penalties.wgan_gp, penalties.wgan_gp_one_sided):
        close(fn(both, points), fn(lambda x: x @ u, points) + fn(lambda x: x @ v, points))
    unit = jnp.array([1.0, 0.0, 0.0])
    close(penalties.wgan_gp(lambda x: (x @ unit, x @ unit), points), jnp.zeros(6))


def test_penalties_sum_patches_and_hold_integers():
    points = normal(23, 6, 3)
    w = jnp.array([1.0, 2.0, 2.0])
    patches = lambda x: jnp.stack([x @ w, x @ w], axis=1)  # noqa: E731
    close(penalties.r1(patches, points), jnp.full(6, 4 * 9 / 2))
    pair = {"x": points, "label": jnp.arange(6)}
    close(penalties.r1(lambda p: p["x"] @ w + p["label"], pair), jnp.full(6, 9 / 2))
    with pytest.raises(ValueError, match="no line joins leaves of int32"):
        penalties.between(key, Context(Exhibit(pair), Exhibit(pair)))
    with pytest.raises(ValueError, match="have another one"):
        sides = Exhibit(points, condition=jnp.zeros(6)), Exhibit(points, condition=jnp.ones(6))
        penalties.between(key, Context(*sides))


def test_a_penalty_through_an_augmentation_is_a_composition():
    """A contrast of 3 makes R1 nine times as large, a flip leaves it."""
    points, w = normal(24, 6, 3), jnp.array([1.0, 2.0, 2.0])
    for augment_fn, factor in ((lambda x: 3.0 * x, 9.0), (lambda x: x[:, ::-1], 1.0)):
        side = Exhibit(points, raw=points, augment_fn=augment_fn, judge_fn=lambda x: (x @ w, {}))
        found = penalties.r1(lambda x, s=side: s.logits_fn(s.augment_fn(x)), side.raw)
        close(found, jnp.full(6, factor * 9 / 2))


class Scales(nn.Module):
    """One judge given as often as it is asked for."""

    judges: int

    @nn.compact
    def __call__(self, samples, condition=None, *, train):
        logits = nn.Dense(1)(samples)[:, 0]
        return tuple(logits for _ in range(self.judges))


def test_the_loss_is_the_sum_over_judges():
    one, two = (play(vector_game(discriminator=Scales(n)))[1] for n in (1, 2))
    for player in ("generator", "discriminator"):
        assert float(two[f"{player}/loss"]) == pytest.approx(
            2 * float(one[f"{player}/loss"]), rel=0.05
        )
    np.testing.assert_allclose(one["discriminator/loss"] * 2, two["discriminator/loss"], rtol=1e-5)
    for name in ("real_logits", "real_logits/0", "real_logits/1"):
        np.testing.assert_allclose(
            one["discriminator/real_logits"], two[f"discriminator/{name}"], rtol=1e-5
        )


# Memory


def test_a_round_reads_the_memory_from_before_it():
    """A counter: in the three updates of a round it is one number, and the next round's is one more."""
    count = Memory(lambda rows: jnp.int32(7), lambda key, value, seen: value + 1)
    term = Term(lambda key, c: (0.0, {"count": jnp.float32(c.memory["count"])}), 1.0)
    made = vector_game(
        discriminator_steps=3, discriminator_terms={"t": term}, memory={"count": count}
    )
    batch = {"real": jnp.stack([REAL] * 3)}
    state, first = play(made, batch)
    _, second = play(made, batch, state=state)
    assert [float(m["discriminator/t/count"]) for m in (first, second)] == [7.0, 8.0]


def test_a_memory_sees_the_rows_of_the_last_update_in_their_order():
    def update(key, value, seen):
        return seen.discriminator.shown.real

    made = vector_game(memory={"rows": Memory(lambda rows: jnp.zeros_like(rows["real"]), update)})
    for parts in (1, 4):
        state, _ = play(dataclasses.replace(made, micro_batches=parts))
        np.testing.assert_array_equal(state.memory["rows"], REAL)
    steps = dataclasses.replace(made, discriminator_steps=2)
    state, _ = play(steps, {"real": jnp.stack([REAL, REAL + 1])})
    np.testing.assert_array_equal(state.memory["rows"], REAL + 1)


def test_a_memory_compiles_the_step_once():
    traces = []
    made = vector_game(memory={"m": Memory(lambda rows: 0.0, lambda key, m, seen: 0.9 * m + 0.1)})
    step = make_train_step(made)

    @jax.jit
    def counted(*args):
        traces.append(1)
        return step(*args)

    state = jax.jit(partial(init, made))(key, BATCH)
    for _ in range(3):
        state, _ = counted(state, BATCH, key)
    assert len(traces) == 1
    np.testing.assert_allclose(state.memory["m"], 1 - 0.9**3, rtol=1e-6)


def test_a_memory_keeps_its_structure_and_owns_its_buffers():
    listed = Memory(lambda rows: (0.0, 0.0), lambda key, value, seen: list(value))
    with pytest.raises(ValueError, match=r"must keep its structure.*was \('float32.*is \['float32"):
        trace(vector_game(memory={"m": listed}))
    shared = jnp.zeros(3)
    pair = Memory(lambda rows: {"a": shared, "b": shared}, lambda key, value, seen: value)
    made = vector_game(memory={"pair": pair})
    state = init(made, key, BATCH)  # not jitted: nothing else would copy them
    jax.jit(make_train_step(made), donate_argnums=0)(state, BATCH, key)


def test_a_memory_that_asks_for_another_metric_is_told_those_of_the_round():
    asks = Memory(lambda rows: 0.0, lambda key, value, seen: seen.metrics["generator/losses"])
    with pytest.raises(
        ValueError, match=r"metric 'generator/losses', the round has .*'generator/loss'"
    ):
        trace(vector_game(memory={"m": asks}))


# Several devices


def on_devices(made, make, num):
    feed = feed_of(Variant(made, {"real": REAL}))
    arrangement = make(made, feed, jax.devices()[:num])
    state = arrangement.put_state(jax.jit(partial(init, made))(key, BATCH))
    for step in range(2):
        state, metrics = arrangement.train(state, feed.feed_fn(step, 1), key)
    return jax.device_get((arrangement.get_state(state), metrics))


def test_terms_that_compare_rows_gather_them():
    """Feature matching on four devices: the square of the mean is not the mean of the squares."""
    sgd = optax.sgd(0.1)
    made = vector_game(
        generator_terms=feature_matching(10.0), generator_optimizer=sgd, discriminator_optimizer=sgd
    )
    one, four = on_devices(made, jit_arrangement, 1), on_devices(made, shard_map_arrangement, 4)
    close(one, four, rtol=1e-4)
    alone = dataclasses.replace(made, generator_terms={"local": Term(local_distance, 10.0)})
    assert (
        abs(
            float(on_devices(alone, shard_map_arrangement, 4)[1]["generator/local"][0])
            - float(one[1]["generator/feature_matching"][0])
        )
        > 1e-3
    )  # what it was


def local_distance(key, context):
    means = [side.sown["features"][0].mean(0) for side in (context.real, context.fake)]
    return jnp.sum(jnp.square(means[0] - means[1]))


class FlaxNormed(nn.Module):
    @nn.compact
    def __call__(self, latents, condition=None, *, train):
        hidden = nn.BatchNorm(use_running_average=not train)(nn.Dense(8)(latents))
        return nn.Dense(2)(hidden)


def test_statistics_of_one_device_are_refused():
    made = vector_game(generator=FlaxNormed())
    play(made)  # one program sees the whole batch
    with pytest.raises(ValueError, match="BatchNorm_0 is a flax BatchNorm without axis_name"):
        on_devices(made, shard_map_arrangement, 4)


# Streams


class Noisy(nn.Module):
    """Draws from streams of its own names."""

    @nn.compact
    def __call__(self, latents, condition=None, *, train):
        first, second = (
            jax.random.normal(self.make_rng(name), (len(latents), 2))
            for name in ("noise", "shuffle")
        )
        return nn.Dense(2)(latents) + 0.1 * first, first, second


def test_networks_draw_from_streams_of_any_name():
    def show(generator_fn, latents, batch, turn):
        samples, first, second = generator_fn(latents)
        return Shown(batch["real"], samples, extras={"first": first, "second": second})

    apart = Term(lambda key, c: jnp.abs(c.extras["first"] - c.extras["second"]).min(1))
    _, metrics = play(
        vector_game(generator=Noisy(), show_fn=show, generator_terms={"apart": apart})
    )
    assert float(metrics["generator/apart"]) > 0.01


def test_no_two_purposes_of_an_update_share_a_key():
    """Played operation by operation, each function writes down the key that it is given."""
    seen = []

    def note(key):
        seen.append(tuple(np.asarray(jax.random.key_data(key)).ravel().tolist()))

    def latents(key, shape):
        note(key)
        return jax.random.normal(key, shape)

    def augment(key, samples, turn=None):
        note(key)
        return samples

    def a(key, context):
        note(key)
        return context.fake.logits

    class Listening(nn.Module):
        @nn.compact
        def __call__(self, samples, condition=None, *, train):
            note(self.make_rng("dropout"))
            return nn.Dense(1)(samples)[:, 0]

    def remember(key, value, seen):
        note(key)
        return value

    made = vector_game(
        discriminator=Listening(), latent_fn=latents, augment_fn=augment,
        discriminator_terms={"a": Term(a), "b": Term(a)}, generator_terms={"a": Term(a)},
        memory={"m": Memory(lambda rows: 0.0, remember)},
    )  # fmt: skip
    state = init(made, key, BATCH)
    seen.clear()
    with jax.disable_jit():
        make_train_step(made)(state, BATCH, key)
    # latents, two augmentations, two judgements for each player; three terms; one memory
    assert len(seen) == 14 and len(set(seen)) == 14


# Plays and games without an adversary


def generator_first(game, axis, state, batch, key):
    generator_key, discriminator_key = jax.random.split(key)
    state, drawn = repeat(game, axis, state, "generator", batch, generator_key)
    state, judged = repeat(game, axis, state, "discriminator", batch, discriminator_key)
    return state, {"generator": drawn, "discriminator": judged}


def test_a_play_of_ones_own_is_a_function():
    made = vector_game(discriminator_steps=2)
    batch = {"real": jnp.stack([REAL, REAL])}
    state, metrics = play(made, batch, kind=generator_first)
    usual, _ = play(made, batch)
    assert all(np.isfinite(value) for value in metrics.values())
    differences = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), state, usual)
    assert max(jax.tree.leaves(differences.generator.params)) > 1e-4


def test_an_absent_discriminator_leaves_the_terms_alone():
    """The generator learns its distance to the data and nothing else; the other player has no parameters."""
    distance = Term(lambda key, c: jnp.square(c.fake.samples - c.real.samples).sum(1))
    made = game(
        vector_game().generator,
        Absent(),
        loss=losses.none(),
        generator_terms={"distance": distance},
    )
    state, first = play(made)
    assert state.discriminator.params == {} and float(first["generator/loss"]) == 0.0
    _, later = play(made, rounds=50, state=state)
    assert later["generator/distance"] < 0.9 * first["generator/distance"]


def test_swapped_and_no_losses():
    loss = losses.least_squares()
    real, fake = jnp.array([0.3, -1.0]), jnp.array([2.0, 0.5])
    swapped = losses.swapped(loss)
    np.testing.assert_array_equal(swapped.generator(real, fake), loss.discriminator(fake, real))
    twice = losses.swapped(swapped)
    np.testing.assert_array_equal(twice.generator(real, fake), swapped.generator(real, fake))
    assert [float(jnp.sum(f(real, fake))) for f in losses.none()] == [0.0, 0.0]
