"""Six variants of the game: every play and arrangement, their gradients, and one closed form each."""

import dataclasses
from functools import partial
from itertools import product

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from variants import ROWS, VARIANTS, bigan, bigan_pairs, cyclegan, game, normal

from gan_jax import losses, penalties
from gan_jax.data.batches import Feed
from gan_jax.game import (
    Shown,
    Term,
    alternating,
    consensus,
    extragradient,
    init,
    make_train_step,
    simultaneous,
    unrolled,
)
from gan_jax.testing import game_laws
from gan_jax.training.parallel import jit_arrangement, pmap_arrangement, shard_map_arrangement

key = jax.random.key(0)
PLAYS = {
    "alternating": alternating,
    "simultaneous": simultaneous,
    "extragradient": extragradient,
    "consensus": consensus(weight=0.01),
    "unrolled": unrolled(steps=2),
}
ARRANGEMENTS = {
    "jit": jit_arrangement,
    "shard_map": shard_map_arrangement,
    "pmap": pmap_arrangement,
}
every_variant = pytest.mark.parametrize("name", VARIANTS)


def plainly(plain, values):
    """All values; a plain pytest takes those that are named first, the others are thorough."""
    return [
        pytest.param(value, marks=() if value in plain else pytest.mark.thorough)
        for value in values
    ]


def after(made, play=alternating, rounds=2, state=None, **changes):
    played = dataclasses.replace(made.game, **changes)
    state = state or jax.jit(partial(init, played))(key, made.batch)
    step = jax.jit(make_train_step(played, play))
    for _ in range(rounds):
        state, metrics = step(state, made.batch, key)
    return state, metrics


def finite(tree):
    return all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(tree))


def whole_and_in_parts():
    """All sixty; one of each variant and of each play always, and the parts' other number in .ci/run."""
    for place, (name, play, parts) in enumerate(product(VARIANTS, PLAYS, (1, 2))):
        variant, own = divmod(place // 2, len(PLAYS))
        marks = () if own == variant % len(PLAYS) else pytest.mark.slow
        if not marks and parts != 1 + variant % 2:
            marks = pytest.mark.thorough
        yield pytest.param(name, play, parts, marks=marks)


@pytest.mark.parametrize("name, play, micro_batches", list(whole_and_in_parts()))
def test_every_play_trains_it_whole_and_in_parts(name, play, micro_batches):
    made = VARIANTS[name]()
    state, metrics = after(made, PLAYS[play], micro_batches=micro_batches)
    assert finite((state, metrics)) and int(state.step) == 2


# Biases before a normalisation: they have no gradient, but for rounding.
STILL = {
    "bigan": ["generator/decoder/bias"],
    "infogan": ["generator/Dense_1/bias"],
    "acgan": ["generator/Dense_1/bias"],
    "cyclegan": ["generator/there/bias"],
    "pix2pix": ["generator/Conv_1/bias"],
    "vaegan": [],
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name == "cyclegan" else pytest.mark.thorough)
        for name in VARIANTS
    ],
)
def test_the_laws_of_games(name):
    made = VARIANTS[name]()
    for law in game_laws(made.game, made.batch, without_gradient=STILL[name]):
        law()


def test_a_loss_that_forgets_the_real_logits_trains_no_encoder():
    """Why `losses.swapped` is there: the encoder's pairs are the real side."""
    made = bigan()
    before = jax.jit(partial(init, made.game))(key, made.batch)
    state, _ = after(made, state=before, loss=losses.non_saturating())
    encoder = [s.generator.params["encoder"] for s in (before, state)]
    jax.tree.map(np.testing.assert_array_equal, *encoder)


def feed_of(made):
    """The same rows in every round."""

    def feed_fn(step, count):
        return jax.tree.map(lambda leaf: np.broadcast_to(leaf, (count, 1, *leaf.shape)), made.rows)

    return Feed({}, feed_fn, lambda resident, tree, key: tree)


def trained(made, make, num_devices, rounds=3):
    feed = feed_of(made)
    arrangement = make(made.game, feed, jax.devices()[:num_devices])
    state = arrangement.put_state(jax.jit(partial(init, made.game))(key, made.batch))
    for step in range(rounds):
        state, metrics = arrangement.train(state, feed.feed_fn(step, 1), key)
    return state, jax.device_get((arrangement.get_state(state), metrics))


@pytest.fixture(scope="module")
def on_one_device():
    return {name: trained(make(), jit_arrangement, 1)[1] for name, make in VARIANTS.items()}


@every_variant
@pytest.mark.parametrize("arrangement", plainly(["shard_map"], ARRANGEMENTS))
def test_four_devices_train_what_one_trains(name, arrangement, on_one_device):
    there, found = trained(VARIANTS[name](), ARRANGEMENTS[arrangement], 4)
    close = partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5)
    jax.tree.map(close, on_one_device[name], found)
    for leaf in jax.tree.leaves(there.memory):  # to the bit: nothing else would notice
        copies = [np.asarray(shard.data) for shard in leaf.addressable_shards]
        assert len(copies) == 4
        for copy in copies[1:]:
            np.testing.assert_array_equal(copies[0], copy)


@pytest.mark.parametrize("name", plainly(["cyclegan"], VARIANTS))
def test_a_seed_beside_another_is_that_seed(name):
    made = VARIANTS[name]()
    keys = jax.random.split(key, 2)
    step = make_train_step(made.game)

    def play(key):
        state = init(made.game, key, made.batch)
        for _ in range(2):
            state, _ = step(state, made.batch, key)
        return state

    both, one = jax.jit(jax.vmap(play))(keys), jax.jit(play)(keys[1])
    second = jax.tree.map(lambda leaf: leaf[1], both)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5), one, second)


# One closed form each


class QuadraticJudge(nn.Module):
    """A quadratic form of the pair: it sees second moments only."""

    @nn.compact
    def __call__(self, samples, condition=None, *, train):
        rows = jnp.concatenate(samples, axis=-1)
        form = self.param("form", lambda key: jnp.zeros((rows.shape[1],) * 2))
        return jnp.sum((rows @ form) * rows, axis=-1)


class LinearAutoencoder(nn.Module):
    """``G(z) = g z`` and ``E(x) = e x``."""

    def setup(self):
        self.g = self.param("g", lambda key: jnp.full((1, 1), 0.7))
        self.e = self.param("e", lambda key: jnp.full((1, 1), 0.2))

    def encode(self, samples, *, train):
        return samples @ self.e

    def decode(self, codes, *, train):
        return codes @ self.g


def test_the_encoder_of_a_linear_bigan_ends_at_the_inverse_of_its_generator():
    """Real samples 2 z: the pairs (x, e x) and (g z, z) have one covariance where g = 2 and e = 1/2."""
    z = normal(0, 64, 1)
    z = z / jnp.sqrt(jnp.square(z).mean())
    penalty = Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), 0.3)
    linear = game(
        LinearAutoencoder(), QuadraticJudge(), show_fn=bigan_pairs, latent_fn=lambda key, shape: z,
        loss=losses.swapped(losses.non_saturating()), discriminator_terms={"r1": penalty},
    )  # fmt: skip
    batch = {"real": 2.0 * z[None]}
    step = make_train_step(linear)
    state, _ = jax.jit(
        lambda: jax.lax.scan(
            lambda state, _: (step(state, batch, key)[0], None),
            init(linear, key, batch),
            length=20_000,
        )
    )()
    g, e = (float(state.generator.params[name][0, 0]) for name in "ge")
    assert g == pytest.approx(2.0, rel=1e-2) and e == pytest.approx(0.5, rel=1e-2)


def test_the_code_of_a_linear_infogan_is_worth_the_mutual_information():
    """x = a c + b z: the best Gaussian reader leaves I(c; x) = log(1 + a^2 / b^2) / 2 nats."""
    a, b, rows = 1.5, 0.5, 20_000

    class Channel(nn.Module):
        @nn.compact
        def __call__(self, latents, *, train):
            return self.param("a", lambda key: a) * latents["code"] + b * latents["noise"]

    class Reader(nn.Module):
        @nn.compact
        def __call__(self, samples, condition=None, *, train):
            slope = self.param("slope", lambda key: a / (a**2 + b**2))
            self.sow("intermediates", "code", slope * samples)
            return 0.0 * samples[:, 0]

    def latents(key, shape):
        keys = zip(("code", "noise"), jax.random.split(key), strict=True)
        return {name: jax.random.normal(k, (shape[0], 1)) for name, k in keys}

    def bound(key, context):
        variance = b**2 / (a**2 + b**2)
        error = jnp.square(context.latents["code"] - context.fake.sown["code"][0])[:, 0]
        surprise = (jnp.log(2 * jnp.pi * variance) + error / variance) / 2
        entropy = (jnp.log(2 * jnp.pi) + 1.0) / 2
        return surprise, {"nats": entropy - surprise.mean()}

    channel = game(
        Channel(), Reader(), latent_fn=latents, discriminator_terms={"code": Term(bound)},
        show_fn=lambda g, latents, batch, turn: Shown(batch["real"], g(latents)),
    )  # fmt: skip
    batch = {"real": jnp.zeros((1, rows, 1))}
    state = init(channel, key, batch)
    state, metrics = jax.jit(make_train_step(channel))(state, batch, key)
    expected = np.log(1 + a**2 / b**2) / 2
    assert float(metrics["discriminator/code/nats"]) == pytest.approx(expected, abs=0.02)
    # and the reader is the best of its kind: its gradient vanishes
    assert float(metrics["discriminator/grad_norm"]) < 0.2


def test_an_undecided_acgan_pays_the_logarithm_of_its_classes():
    made = VARIANTS["acgan"]()
    state = init(made.game, key, made.batch)
    blind = jax.tree.map(jnp.zeros_like, state.discriminator.params)
    frozen = dict(discriminator_optimizer=optax.set_to_zero())
    _, metrics = after(made, rounds=1, state=state.with_params("discriminator", blind), **frozen)
    for name in ("discriminator/real_classes", "discriminator/fake_classes", "generator/classes"):
        assert float(metrics[name]) == pytest.approx(np.log(4.0), rel=1e-6)
    assert float(metrics["discriminator/real_classes/accuracy"]) == 0.25  # ties go to class 0


def test_the_cycles_of_orthogonal_maps_close():
    made = cyclegan(generator_optimizer=optax.set_to_zero())
    state = init(made.game, key, made.batch)
    orthogonal = jnp.linalg.qr(normal(9, 3, 3))[0]
    params = {**state.generator.params}
    params["there"] = {"kernel": orthogonal, "bias": jnp.zeros(3)}
    params["back"] = {"kernel": orthogonal.T, "bias": jnp.zeros(3)}
    _, open_cycle = after(made, rounds=1, state=state)
    # without the batch norm of the one direction
    plain = made._replace(game=dataclasses.replace(made.game, generator=Unnormalized()))
    closed = state.with_params("generator", {n: params[n] for n in ("there", "back")})
    closed = closed.with_player("generator", closed.generator.replace(variables={}))
    closed = closed.replace(ema=closed.generator.all_variables)
    _, metrics = after(plain, rounds=1, state=closed)
    assert float(metrics["generator/cycle"]) < 1e-5 < 0.1 < float(open_cycle["generator/cycle"])


class Unnormalized(nn.Module):
    def setup(self):
        self.there, self.back = nn.Dense(3), nn.Dense(3)

    def a_to_b(self, samples, *, train):
        return self.there(samples)

    def b_to_a(self, samples, *, train):
        return self.back(samples)


def test_r1_of_patches_sums_them_before_the_gradient():
    """Each of 4 x 4 patches is w times its pixel: the gradient of their sum is w at every pixel."""
    w = 3.0

    class Pixels(nn.Module):
        @nn.compact
        def __call__(self, images, condition=None, *, train):
            return self.param("w", lambda key: jnp.float32(w)) * images[..., 0]

    made = VARIANTS["pix2pix"]()
    made = made._replace(game=dataclasses.replace(made.game, discriminator=Pixels()))
    _, metrics = after(made, rounds=1)
    assert float(metrics["discriminator/r1"]) == pytest.approx(w**2 * 16 / 2)


def test_the_divergence_of_a_vaegan_is_that_of_two_gaussians():
    """An encoder that always says mean m and log variance s: (m^2 + e^s - 1 - s) / 2 in each dimension."""
    made = VARIANTS["vaegan"]()
    state = init(made.game, key, made.batch)
    params = {**state.generator.params}
    params["encoder"] = {"kernel": jnp.zeros((3, 4)), "bias": jnp.array([1.0, -2.0, 0.5, 0.0])}
    _, metrics = after(made, rounds=1, state=state.with_params("generator", params))
    expected = (1 + np.exp(0.5) - 1 - 0.5) / 2 + (4 + 1 - 1 - 0) / 2
    assert float(metrics["generator/kl"]) == pytest.approx(expected, rel=1e-5)


def test_a_pool_shows_what_was_made_before():
    """With all coins on "old", what the discriminator is shown in a round was made in the round before."""

    def latents(key, shape):
        return {"old": jnp.ones(shape[0], bool), "slot": jnp.arange(shape[0])}

    made = cyclegan(latent_fn=latents, generator_optimizer=optax.set_to_zero())
    state, _ = after(made, rounds=1)
    pool = state.memory["pool"]
    assert jax.tree.map(jnp.shape, pool) == {"a": (32, 3), "b": (32, 3)}
    # refilled with the new fakes, in their slots; the others are empty still
    b = made.rows["b"]["real"]
    params = state.generator.params["back"]
    np.testing.assert_allclose(
        pool["a"][:ROWS], b @ params["kernel"] + params["bias"][None], rtol=1e-4, atol=1e-5
    )
    np.testing.assert_array_equal(pool["a"][ROWS:], 0.0)
    again, _ = after(made, rounds=1, state=state)
    np.testing.assert_allclose(again.memory["pool"]["a"], pool["a"], rtol=1e-4, atol=1e-5)
