"""Ten games that ask more of the contract than :mod:`variants`, on toy networks.

Each is written as an experiment would write it: the networks, what is shown, the terms, the memory.
Whatever is drawn for an example is a leaf of the latents, but for the augmentation of ADA and the
points of WGAN-GP.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from variants import ROWS, SIZE, Judge, Variant, Variational, cross_entropy, game, l1, normal

from gan_jax import losses, penalties
from gan_jax.game import Memory, Shown, Term
from gan_jax.models.absent import Absent
from gan_jax.models.blocks import BatchNorm, spectral
from gan_jax.remedies.feature_matching import feature_matching
from gan_jax.schedules import lazy, linear

CLASSES = 3
NO_GENERATOR_LOSS = losses.non_saturating()._replace(generator=losses.none().generator)


# StyleGAN2: styles mixed at a cut, the mean of w a variable, lazy path length and R1

LAYERS, EVERY = 2, 2


class Styled(nn.Module):
    def setup(self):
        self.to_w = nn.Dense(SIZE)
        self.layers = [nn.Dense(16) for _ in range(LAYERS)]
        self.w_mean = self.variable("averages", "w_mean", jnp.zeros, SIZE)

    def mapping(self, z, *, moves=True, train):
        w = self.to_w(z)
        if train and moves and not self.is_initializing():
            self.w_mean.value += 0.005 * (w.mean(0) - self.w_mean.value)
        return w

    def synthesis(self, ws):
        hidden = jnp.tanh(self.layers[0](ws[:, 0]))
        return (hidden * self.layers[1](ws[:, 1])).reshape(-1, 4, 4, 1)


def styled_latents(key, shape):
    keys = jax.random.split(key, 4)
    return {
        "z": jax.random.normal(keys[0], shape),
        "other": jax.random.normal(keys[1], shape),
        "cut": jax.random.randint(keys[2], shape[:1], 1, LAYERS + 1),
        "direction": jax.random.normal(keys[3], (shape[0], 4, 4, 1)) / 4.0,
    }


def styled_shown(generator_fn, latents, batch, turn):
    w = generator_fn(latents["z"], method="mapping")
    other = generator_fn(latents["other"], moves=False, method="mapping")
    first = jnp.arange(LAYERS)[None, :, None] < latents["cut"][:, None, None]
    ws = jnp.where(first, w[:, None], other[:, None])
    return Shown(batch["real"], generator_fn(ws, method="synthesis"), extras={"ws": ws})


def path_length(key, context):
    ws, direction = context.extras["ws"][::2], context.latents["direction"][::2]
    _, pull = jax.vjp(lambda ws: context.generator_fn(ws, method="synthesis"), ws)
    lengths = jnp.sqrt(jnp.square(pull(direction)[0]).sum(-1).mean(-1))
    return jnp.square(lengths - context.memory["length"]), {"length": lengths.mean()}


def nearer_to_the_length(key, mean, seen):
    length = seen.metrics["generator/path_length/length"]
    return jnp.where(seen.step % EVERY == 0, mean + 0.01 * (length - mean), mean)


def stylegan2():
    r1 = penalties.gradient_penalty(penalties.r1, penalties.on_real)
    made = game(
        Styled(), Judge(), show_fn=styled_shown, latent_fn=styled_latents,
        generator_terms={"path_length": Term(path_length, lazy(2.0, every=EVERY))},
        discriminator_terms={"r1": Term(r1, lazy(0.5, every=EVERY))},
        memory={"length": Memory(lambda rows: 0.0, nearer_to_the_length)},
    )  # fmt: skip
    return Variant(made, {"real": normal(10, ROWS, 4, 4, 1)})


# ADA: images are halved with a probability that follows the discriminator's accuracy

TARGET, IMAGES = 0.6, 320


def halved(key, images, turn):
    """Half the contrast, of as many images as the memory says."""
    told = jax.random.bernoulli(key, turn.memory["ada"]["p"], (len(images), 1, 1, 1))
    return jnp.where(told, 0.5 * images, images)


def r1_of_raw(key, context):
    real = context.real
    return penalties.r1(lambda raw: real.logits_fn(real.augment_fn(raw)), real.raw)


def controller(key, ada, seen):
    signs = ada["signs"] + 2.0 * seen.metrics["discriminator/real_accuracy"] - 1.0
    rows = len(seen.discriminator.shown.real)
    step = jnp.sign(signs / EVERY - TARGET) * EVERY * rows / IMAGES
    due = seen.step % EVERY == EVERY - 1
    p = jnp.where(due, jnp.maximum(ada["p"] + step, 0.0), ada["p"])
    return {"p": p, "signs": jnp.where(due, 0.0, signs)}


class Images(nn.Module):
    @nn.compact
    def __call__(self, latents, condition=None, *, train):
        return nn.Dense(16)(jnp.tanh(nn.Dense(8)(latents))).reshape(-1, 4, 4, 1)


def ada():
    made = game(
        Images(), Judge(), augment_fn=halved, discriminator_terms={"r1": Term(r1_of_raw, 0.5)},
        memory={"ada": Memory(lambda rows: {"p": 0.0, "signs": 0.0}, controller)},
    )  # fmt: skip
    return Variant(made, {"real": 3.0 + normal(11, ROWS, 4, 4, 1)})


# Progressive growing: from 2x2 to 4x4, by the round


def smaller(images):
    return images.reshape(len(images), 2, 2, 2, 2).mean((2, 4))


def larger(images):
    return images.repeat(2, axis=1).repeat(2, axis=2)


def faded(alpha, large, small):
    alpha = alpha.reshape(-1, 1, 1)
    return alpha * large + (1.0 - alpha) * larger(small)


class Growing(nn.Module):
    @nn.compact
    def __call__(self, latents, alpha, *, train):
        hidden = jnp.tanh(nn.Dense(8)(latents))
        large, small = nn.Dense(16)(hidden), nn.Dense(4)(hidden)
        return faded(alpha, large.reshape(-1, 4, 4), small.reshape(-1, 2, 2))


class GrowingJudge(nn.Module):
    @nn.compact
    def __call__(self, images, alpha, *, train):
        large, small = (rows.reshape(len(rows), -1) for rows in (images, smaller(images)))
        alpha = alpha[:, None]
        hidden = alpha * nn.Dense(8)(large) + (1.0 - alpha) * nn.Dense(8)(small)
        return nn.Dense(1)(jnp.tanh(hidden))[:, 0]


def growing_shown(generator_fn, latents, batch, turn):
    alpha = jnp.full(len(latents), linear(0.0, 1.0, end=2)(turn.step))
    real = faded(alpha, batch["real"], smaller(batch["real"]))
    return Shown(real, generator_fn(latents, alpha), condition=alpha)


def progressive():
    terms = {
        "gp": Term(penalties.gradient_penalty(penalties.wgan_gp, penalties.between), 10.0),
        "drift": Term(lambda key, context: jnp.square(context.real.logits), 0.001),
    }
    made = game(
        Growing(), GrowingJudge(), show_fn=growing_shown, loss=losses.wasserstein(),
        discriminator_terms=terms,
    )  # fmt: skip
    return Variant(made, {"real": normal(12, ROWS, 4, 4)})


# SNGAN with projection: fakes have classes of their own, and the generator twice the rows


class OfClass(nn.Module):
    @nn.compact
    def __call__(self, latents, label, *, train):
        rows = jnp.concatenate([latents, jax.nn.one_hot(label, CLASSES)], axis=-1)
        return nn.Dense(SIZE)(jnp.tanh(BatchNorm()(nn.Dense(8)(rows), train=train)))


class Projection(nn.Module):
    @nn.compact
    def __call__(self, samples, label, *, train):
        hidden = jnp.tanh(spectral(nn.Dense(8))(samples, train=train))
        of_class = spectral(nn.Embed(CLASSES, 8))(label, train=train)
        return spectral(nn.Dense(1))(hidden, train=train)[:, 0] + (of_class * hidden).sum(1)


def two_of_each(key, shape):
    def one(key):
        noise_key, label_key = jax.random.split(key)
        label = jax.random.randint(label_key, shape[:1], 0, CLASSES)
        return {"z": jax.random.normal(noise_key, shape), "label": label}

    return [one(key) for key in jax.random.split(key)]


def twice_for_the_generator(generator_fn, latents, batch, turn):
    (drawn, more), told = latents, {"real": batch["real"], "label": batch["label"]}
    if turn.player == "generator":
        join = lambda a, b: jnp.concatenate([a, b])  # noqa: E731
        drawn, told = jax.tree.map(join, drawn, more), jax.tree.map(join, told, told)
    fake = generator_fn(drawn["z"], drawn["label"])
    return Shown(told["real"], fake, condition=told["label"], fake_condition=drawn["label"])


def sngan():
    def count(key, context):
        rows, label = len(context.fake.logits), context.latents[0]["label"]
        told = context.fake.condition[: len(label)] == label
        return context.gather_fn(jnp.ones(rows)).sum(), {"told": told.mean()}

    rows = {"rows": Term(count, 0.0)}
    made = game(
        OfClass(), Projection(), show_fn=twice_for_the_generator, latent_fn=two_of_each,
        loss=losses.hinge(), generator_terms=rows, discriminator_terms=rows,
    )  # fmt: skip
    return Variant(made, {"real": normal(13, ROWS, SIZE), "label": jnp.arange(ROWS) % CLASSES})


# CUT: the same place before and after, among others of the same image

PLACES = 5


class Translating(nn.Module):
    def setup(self):
        self.encoder, self.decoder = nn.Conv(4, (3, 3)), nn.Conv(1, (3, 3))
        self.head = nn.Dense(4)

    def encode(self, images):
        return jnp.tanh(self.encoder(images))

    def translate(self, images):
        return self.decoder(self.encode(images))

    def describe(self, features):
        return self.head(features)


def places(key, shape):
    def some(key):
        return jax.random.permutation(key, 16)[:PLACES]

    return {"at": jax.vmap(some)(jax.random.split(key, shape[0]))}


def cut_shown(generator_fn, latents, batch, turn):
    def at_places(images):
        features = generator_fn(images, method="encode").reshape(len(images), 16, -1)
        found = jnp.take_along_axis(features, latents["at"][..., None], axis=1)
        return generator_fn(found, method="describe")

    made, same = (generator_fn(batch[name], method="translate") for name in ("a", "real"))
    extras = {
        "made": (at_places(made), at_places(batch["a"])),
        "same": (at_places(same), at_places(batch["real"])),
    }
    return Shown(batch["real"], made, extras=extras)


def patch_nce(name):
    def term_fn(key, context):
        new, old = context.extras[name]
        likeness = jnp.einsum("bpc,bqc->bpq", new, jax.lax.stop_gradient(old)) / 0.07
        log_shares = jax.nn.log_softmax(likeness)
        return -jnp.diagonal(log_shares, axis1=1, axis2=2).mean(1)

    return Term(term_fn)


def cut():
    made = game(
        Translating(), Judge(), show_fn=cut_shown, latent_fn=places, loss=losses.least_squares(),
        generator_terms={name: patch_nce(name) for name in ("made", "same")},
    )  # fmt: skip
    return Variant(
        made, {name: normal(14 + i, ROWS, 4, 4, 1) for i, name in enumerate(("a", "real"))}
    )


# SeqGAN: integer tokens, likelihood in the first round, then rewards of roll-outs

TOKENS, LENGTH, ROLL_OUTS, FIRST = 4, 3, 2, 1


class Sequences(nn.Module):
    """Each token after the one before it; the first after a token of its own."""

    def setup(self):
        self.embed, self.to_logits = nn.Embed(TOKENS + 1, 8), nn.Dense(TOKENS)

    def after(self, tokens):
        return self.to_logits(jnp.tanh(self.embed(tokens)))

    def complete(self, keys, tokens, begin):
        tokens = jnp.pad(tokens[:, :begin], ((0, 0), (1, 0)), constant_values=TOKENS)
        for place in range(begin, LENGTH):
            here = jax.vmap(jax.random.fold_in, (0, None))(keys, place)
            token = jax.vmap(jax.random.categorical)(here, self.after(tokens[:, -1]))
            tokens = jnp.concatenate([tokens, token.astype(jnp.int32)[:, None]], axis=1)
        return tokens[:, 1:]

    def log_prob(self, tokens):
        before = jnp.pad(tokens[:, :-1], ((0, 0), (1, 0)), constant_values=TOKENS)
        return -cross_entropy(self.after(before), tokens)


class TokenJudge(nn.Module):
    @nn.compact
    def __call__(self, tokens, condition=None, *, train):
        rows = jax.nn.one_hot(tokens, TOKENS).reshape(len(tokens), -1)
        return nn.Dense(1)(jnp.tanh(nn.Dense(8)(rows)))[:, 0]


def sequences_shown(generator_fn, keys, batch, turn):
    nothing = jnp.zeros((len(keys), 0), jnp.int32)
    tokens = jax.lax.stop_gradient(generator_fn(keys, nothing, 0, method="complete"))
    log_prob, truth = (generator_fn(t, method="log_prob") for t in (tokens, batch["real"]))
    return Shown(batch["real"], tokens, extras={"log_prob": log_prob, "truth": truth})


def reinforce(key, context):
    def completed(begin, index):
        keys = jax.vmap(jax.random.fold_in, (0, None))(context.latents, 100 * begin + index)
        return context.generator_fn(keys, context.fake.samples, begin, method="complete")

    def reward(tokens):
        return jax.nn.sigmoid(context.fake.logits_fn(tokens))

    expected = [
        sum(reward(completed(begin, index)) for index in range(ROLL_OUTS)) / ROLL_OUTS
        for begin in range(1, LENGTH)
    ]
    rewards = jax.lax.stop_gradient(jnp.stack([*expected, reward(context.fake.samples)], axis=1))
    gain = rewards - context.memory["baseline"]
    return -(gain * context.extras["log_prob"]).sum(1), {"reward": rewards.mean()}


def baseline(key, value, seen):
    reward = seen.metrics["generator/reinforce/reward"]
    return jnp.where(seen.step < FIRST, value, 0.9 * value + 0.1 * reward)


def seqgan():
    likelihood = Term(
        lambda key, context: -context.extras["truth"].mean(1),
        lambda step: jnp.where(step < FIRST, 1.0, 0.0),
    )
    made = game(
        Sequences(), TokenJudge(), show_fn=sequences_shown, loss=NO_GENERATOR_LOSS,
        latent_fn=lambda key, shape: jax.random.split(key, shape[0]),
        generator_terms={
            "likelihood": likelihood,
            "reinforce": Term(reinforce, lambda step: jnp.where(step < FIRST, 0.0, 1.0)),
        },
        memory={"baseline": Memory(lambda rows: 0.5, baseline)},
    )  # fmt: skip
    tokens = jax.random.randint(jax.random.key(16), (ROWS, LENGTH), 0, TOKENS)
    return Variant(made, {"real": tokens})


# HiFi-GAN: five periods and three scales judge a wave made from its mel

WAVE, FRAME = 24, 4
FILTERS = normal(17, FRAME, 2)


def mel(wave):
    return jnp.abs(wave.reshape(len(wave), -1, FRAME) @ FILTERS)


class Vocoder(nn.Module):
    @nn.compact
    def __call__(self, spectrogram, condition=None, *, train):
        rows = spectrogram.reshape(len(spectrogram), -1)
        return nn.Dense(WAVE)(jnp.tanh(nn.Dense(8)(rows)))


class WaveJudge(nn.Module):
    """A wave in pieces: a logit for each."""

    period: int = 3
    scale: int = 1

    @nn.compact
    def __call__(self, wave):
        coarse = wave.reshape(len(wave), -1, self.scale).mean(-1)
        hidden = jnp.tanh(nn.Dense(4)(coarse.reshape(len(wave), -1, self.period)))
        self.sow("intermediates", "features", hidden)
        return nn.Dense(1)(hidden)[..., 0]


class WaveJudges(nn.Module):
    @nn.compact
    def __call__(self, wave, condition=None, *, train):
        periods = [WaveJudge(period=period)(wave) for period in (2, 3, 4, 6, 8)]
        return {"periods": periods, "scales": [WaveJudge(scale=s)(wave) for s in (1, 2, 4)]}


def all_features(key, context):
    sides = zip(context.real.sown["features"], context.fake.sown["features"], strict=True)
    return sum(l1(jax.lax.stop_gradient(real), fake) for real, fake in sides)


def hifigan():
    def show(generator_fn, latents, batch, turn):
        return Shown(batch["real"], generator_fn(batch["mel"]))

    def mel_l1(key, context):
        return l1(mel(context.fake.raw), context.batch["mel"])

    made = game(
        Vocoder(), WaveJudges(), show_fn=show, loss=losses.least_squares(),
        generator_terms={"features": Term(all_features, 2.0), "mel": Term(mel_l1, 45.0)},
    )  # fmt: skip
    wave = normal(18, ROWS, WAVE)
    return Variant(made, {"real": wave, "mel": mel(wave)})


# Semi-supervised: K classes and one of fakes, a few labels, weights normalised from the first rows


class WeightNorm(nn.Module):
    """A dense layer whose outputs of the first rows that it sees have mean 0 and deviation 1."""

    features: int

    @nn.compact
    def __call__(self, rows):
        direction = self.param(
            "direction", nn.initializers.normal(), (rows.shape[1], self.features)
        )
        outputs = rows @ (direction / jnp.linalg.norm(direction, axis=0, keepdims=True))
        scale = self.param("scale", lambda key: 1.0 / outputs.std(0))
        shift = self.param("shift", lambda key: -outputs.mean(0) * scale)
        return outputs * scale[None] + shift[None]


class Classes(nn.Module):
    @nn.compact
    def __call__(self, samples, condition=None, *, train):
        inner = WeightNorm(8)(samples)
        self.sow("intermediates", "inner", inner)
        features = jnp.tanh(inner)
        self.sow("intermediates", "features", features)
        classes = nn.Dense(CLASSES)(features)
        self.sow("intermediates", "classes", classes)
        return jax.nn.logsumexp(classes, axis=-1)


class Samples(nn.Module):
    @nn.compact
    def __call__(self, latents, condition=None, *, train):
        return nn.Dense(SIZE)(jnp.tanh(nn.Dense(8)(latents)))


def of_labeled(key, context):
    told = context.batch["labelled"]
    classes = context.real.judge_fn(told["x"])[1]["classes"][0]
    return cross_entropy(classes, told["y"]), {"error": (classes.argmax(-1) != told["y"]).mean()}


def semi_supervised():
    made = game(
        Samples(), Classes(), loss=NO_GENERATOR_LOSS,
        generator_terms=feature_matching(), discriminator_terms={"labelled": Term(of_labeled)},
    )  # fmt: skip
    few = {"x": normal(19, ROWS // 2, SIZE), "y": jnp.arange(ROWS // 2) % CLASSES}
    return Variant(made, {"real": normal(20, ROWS, SIZE), "labelled": few})


# An adversarial autoencoder: the prior is real, a code is fake


def prior_and_code(generator_fn, latents, batch, turn):
    code, _ = generator_fn(batch["x"], method="encode")
    return Shown(latents, code, extras={"again": generator_fn(code, method="decode")})


def adversarial_autoencoder():
    again = Term(lambda key, context: l1(context.extras["again"], context.batch["x"]))
    made = game(
        Variational(), Judge(), show_fn=prior_and_code, latent_size=2,
        generator_terms={"again": again},
    )  # fmt: skip
    return Variant(made, {"x": normal(21, ROWS, SIZE)})


# A VAE: no adversary


def with_bound(generator_fn, latents, batch, turn):
    mean, log_variance = generator_fn(batch["real"], method="encode")
    again = generator_fn(mean + jnp.exp(log_variance / 2) * latents, method="decode")
    kl = (jnp.square(mean) + jnp.exp(log_variance) - 1.0 - log_variance).sum(1) / 2
    return Shown(batch["real"], again, extras={"kl": kl})


def vae():
    terms = {
        "error": Term(lambda key, c: jnp.square(c.fake.raw - c.real.raw).sum(1) / 2),
        "kl": Term(lambda key, context: context.extras["kl"]),
    }
    made = game(
        Variational(), Absent(), show_fn=with_bound, latent_size=2, loss=losses.none(),
        generator_terms=terms,
    )  # fmt: skip
    return Variant(made, {"real": normal(22, ROWS, SIZE)})


HARD_GAMES = {
    make.__name__: make
    for make in (
        stylegan2,
        ada,
        progressive,
        sngan,
        cut,
        seqgan,
        hifigan,
        semi_supervised,
        adversarial_autoencoder,
        vae,
    )
}
