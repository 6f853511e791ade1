"""Six variants of the game, each written as an experiment would write it, on toy networks that compile in a second.

A variant is a game and a batch of its data. They keep the rule that makes any number of devices draw the same:
whatever is drawn for an example is a leaf of the latents.
"""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from gan_jax import losses, penalties
from gan_jax.game import Game, Memory, Shown, Term
from gan_jax.models.blocks import BatchNorm

ROWS, SIZE = 16, 3
SGD = optax.sgd(0.05)


class Variant(NamedTuple):
    """A game, and the rows ``[B, ...]`` of one update."""

    game: Game
    rows: dict

    @property
    def batch(self):
        return jax.tree.map(lambda leaf: leaf[None], self.rows)


def normal(index, *shape):
    return jax.random.normal(jax.random.key(100 + index), shape)


def l1(a, b):
    return jnp.abs(a - b).reshape(len(a), -1).mean(1)


def game(generator, discriminator, **options):
    shared = dict(
        loss=losses.non_saturating(),
        generator_optimizer=SGD,
        discriminator_optimizer=SGD,
        latent_size=SIZE,
    )
    return Game(generator, discriminator, **(shared | options))


class Judge(nn.Module):
    """Rows of numbers, alone or in pairs, to a logit; sows the hidden layer and, if asked for, classes."""

    num_classes: int | None = None

    @nn.compact
    def __call__(self, samples, condition=None, *, train):
        told = jax.tree.leaves((samples, condition))
        rows = jnp.concatenate([leaf.reshape(len(leaf), -1) for leaf in told], axis=-1)
        hidden = jnp.tanh(nn.Dense(8)(rows))
        self.sow("intermediates", "features", hidden)
        if self.num_classes:
            self.sow("intermediates", "classes", nn.Dense(self.num_classes)(hidden))
        return nn.Dense(1)(hidden)[:, 0]


# BiGAN: pairs of a sample and its code


class Autoencoder(nn.Module):
    size: int = SIZE

    def setup(self):
        self.encoder, self.decoder = nn.Dense(self.size), nn.Dense(self.size)
        self.norm = BatchNorm()

    def encode(self, samples, *, train):
        return self.encoder(samples)

    def decode(self, codes, *, train):
        return self.norm(self.decoder(codes), train=train)


def bigan_pairs(generator_fn, latents, batch, turn):
    x = batch["real"]
    return Shown(
        (x, generator_fn(x, method="encode")), (generator_fn(latents, method="decode"), latents)
    )


def bigan():
    made = game(
        Autoencoder(), Judge(), show_fn=bigan_pairs, loss=losses.swapped(losses.non_saturating())
    )
    return Variant(made, {"real": normal(0, ROWS, SIZE)})


# InfoGAN with R1: a code that the discriminator reads back


class FromTree(nn.Module):
    """Latents in any tree to samples."""

    @nn.compact
    def __call__(self, latents, condition=None, *, train):
        rows = jnp.concatenate(jax.tree.leaves(latents), axis=-1)
        return nn.Dense(SIZE)(BatchNorm()(nn.Dense(8)(rows), train=train))


def cross_entropy(logits, labels):
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels)


def noise_and_code(key, shape):
    noise_key, code_key = jax.random.split(key)
    code = jax.random.randint(code_key, shape[:1], 0, 4)
    return {"z": jax.random.normal(noise_key, shape), "code": code}


def infogan():
    def show(generator_fn, latents, batch, turn):
        told = {"z": latents["z"], "code": jax.nn.one_hot(latents["code"], 4)}
        return Shown(batch["real"], generator_fn(told))

    def read_back(key, context):
        loss = cross_entropy(context.fake.sown["classes"][0], context.latents["code"])
        return loss, {"nats": jnp.log(4.0) - loss.mean()}

    code = {"code": Term(read_back, 1.0)}
    r1 = {"r1": Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), 0.5)}
    made = game(
        FromTree(), Judge(num_classes=4), show_fn=show, latent_fn=noise_and_code,
        generator_terms=code, discriminator_terms=code | r1,
    )  # fmt: skip
    return Variant(made, {"real": normal(1, ROWS, SIZE)})


# AC-GAN: classes of both sides


def acgan():
    def show(generator_fn, latents, batch, turn):
        told = {"z": latents["z"], "code": jax.nn.one_hot(latents["code"], 4)}
        return Shown(batch["real"], generator_fn(told))

    def of_fakes(key, context):
        return cross_entropy(context.fake.sown["classes"][0], context.latents["code"])

    def of_reals(key, context):
        classes, label = context.real.sown["classes"][0], context.batch["label"]
        return cross_entropy(classes, label), {"accuracy": (classes.argmax(-1) == label).mean()}

    made = game(
        FromTree(), Judge(num_classes=4), show_fn=show, latent_fn=noise_and_code,
        generator_terms={"classes": Term(of_fakes)},
        discriminator_terms={"real_classes": Term(of_reals), "fake_classes": Term(of_fakes)},
    )  # fmt: skip
    return Variant(made, {"real": normal(2, ROWS, SIZE), "label": jnp.arange(ROWS) % 4})


# CycleGAN: two translators, two judges, and a pool of earlier fakes


class Translators(nn.Module):
    def setup(self):
        self.there, self.back = nn.Dense(SIZE), nn.Dense(SIZE)
        self.norm = BatchNorm()

    def a_to_b(self, samples, *, train):
        return self.norm(self.there(samples), train=train)

    def b_to_a(self, samples, *, train):
        return self.back(samples)


class TwoJudges(nn.Module):
    @nn.compact
    def __call__(self, samples, condition=None, *, train):
        return {name: Judge(name=name)(samples[name], train=train) for name in ("a", "b")}


POOL = 32


def coins_and_slots(key, shape):
    coin_key, slot_key = jax.random.split(key)
    coins = jax.random.bernoulli(coin_key, 0.5, shape[:1])
    slots = jnp.resize(jax.random.permutation(slot_key, POOL), shape[0])  # each once in a batch
    return {"old": coins, "slot": slots}


def cycle_shown(generator_fn, latents, batch, turn):
    a, b = batch["a"]["real"], batch["b"]["real"]
    new = {"a": generator_fn(b, method="b_to_a"), "b": generator_fn(a, method="a_to_b")}
    cycle = {
        "a": generator_fn(new["b"], method="b_to_a"),
        "b": generator_fn(new["a"], method="a_to_b"),
    }
    fake = new
    if turn.player == "discriminator":
        old = latents["old"][:, None]
        pool = jax.tree.map(lambda pool: pool[latents["slot"]], turn.memory["pool"])
        fake = jax.tree.map(lambda past, now: jnp.where(old, past, now), pool, new)
    return Shown({"a": a, "b": b}, fake, extras={"cycle": cycle, "new": new})


def refilled(key, pool, seen):
    latents, shown = seen.discriminator
    old, slot = latents["old"][:, None], latents["slot"]
    return jax.tree.map(
        lambda past, now: past.at[slot].set(jnp.where(old, now, past[slot])),
        pool,
        shown.extras["new"],
    )


def cyclegan(**changes):
    def cycle(key, context):
        real = context.real.raw
        return sum(l1(context.extras["cycle"][name], real[name]) for name in ("a", "b"))

    def empty(rows):
        return jax.tree.map(
            lambda leaf: jnp.zeros((POOL, *leaf.shape[1:])), {n: rows[n]["real"] for n in "ab"}
        )

    options = dict(
        show_fn=cycle_shown, latent_fn=coins_and_slots, loss=losses.least_squares(),
        generator_terms={"cycle": Term(cycle, 10.0)}, memory={"pool": Memory(empty, refilled)},
    )  # fmt: skip
    made = game(Translators(), TwoJudges(), **(options | changes))
    rows = {"a": {"real": normal(3, ROWS, SIZE)}, "b": {"real": 2.0 + normal(4, ROWS, SIZE)}}
    return Variant(made, rows)


# pix2pix: an image as the condition, patches, L1, R1 on patches


class Translator(nn.Module):
    @nn.compact
    def __call__(self, images, condition=None, *, train):
        return nn.Conv(1, (3, 3))(BatchNorm()(nn.Conv(4, (3, 3))(images), train=train))


class PatchJudge(nn.Module):
    @nn.compact
    def __call__(self, images, condition=None, *, train):
        both = jnp.concatenate([images, condition], axis=-1)
        return nn.Conv(1, (3, 3), strides=2)(jnp.tanh(nn.Conv(4, (3, 3))(both)))[..., 0]


def pix2pix():
    def show(generator_fn, latents, batch, turn):
        return Shown(batch["real"], generator_fn(batch["input"]), condition=batch["input"])

    distance = Term(lambda key, context: l1(context.fake.raw, context.batch["real"]), 100.0)
    r1 = Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), 0.1)
    slow = optax.sgd(1e-3)
    made = game(
        Translator(), PatchJudge(), show_fn=show, generator_terms={"l1": distance},
        discriminator_terms={"r1": r1}, generator_optimizer=slow, discriminator_optimizer=slow,
    )  # fmt: skip
    images = normal(5, ROWS, 4, 4, 1)
    return Variant(made, {"real": images, "input": images[:, :, ::-1]})


# VAE-GAN: reconstructions and samples of the prior against data, likeness in the discriminator's features


class Variational(nn.Module):
    def setup(self):
        self.encoder, self.decoder = nn.Dense(4), nn.Dense(SIZE)

    def encode(self, samples, *, train):
        return jnp.split(self.encoder(samples), 2, axis=-1)

    def decode(self, codes, *, train):
        return self.decoder(codes)


def vae_latents(key, shape):
    keys = jax.random.split(key)
    return {
        name: jax.random.normal(k, (shape[0], 2))
        for name, k in zip(("noise", "prior"), keys, strict=True)
    }


def vaegan():
    def show(generator_fn, latents, batch, turn):
        x = batch["real"]
        mean, log_variance = generator_fn(x, method="encode")
        code = mean + jnp.exp(log_variance / 2) * latents["noise"]
        kl = (jnp.square(mean) + jnp.exp(log_variance) - 1.0 - log_variance).sum(1) / 2
        held = jax.lax.stop_gradient(code)  # the adversary does not reach the encoder
        fake = [generator_fn(codes, method="decode") for codes in (held, latents["prior"])]
        extras = {"kl": kl, "reconstruction": generator_fn(code, method="decode")}
        return Shown(jnp.concatenate([x, x]), jnp.concatenate(fake), extras=extras)

    def likeness(key, context):
        features = lambda x: context.real.judge_fn(x)[1]["features"][0]  # noqa: E731
        truth = jax.lax.stop_gradient(features(context.batch["real"]))
        return jnp.square(truth - features(context.extras["reconstruction"])).mean(1)

    terms = {"kl": Term(lambda key, context: context.extras["kl"], 0.1), "likeness": Term(likeness)}
    made = game(Variational(), Judge(), show_fn=show, latent_fn=vae_latents, generator_terms=terms)
    return Variant(made, {"real": normal(6, ROWS, SIZE)})


VARIANTS = {make.__name__: make for make in (bigan, infogan, acgan, cyclegan, pix2pix, vaegan)}
