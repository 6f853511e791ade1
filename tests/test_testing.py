"""The laws find what they are for: sound things pass, and each planted fault falls by its law."""

import itertools
import re

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from games import vector_game

from gan_jax import losses, penalties
from gan_jax.context import Context, Exhibit
from gan_jax.game import Shown, Term
from gan_jax.losses import AdversarialLoss
from gan_jax.models.blocks import BatchNorm
from gan_jax.models.minibatch_std import MinibatchStd
from gan_jax.models.mlp import MLPDiscriminator, MLPGenerator
from gan_jax.testing import Law, game_laws, loss_laws, model_laws, penalty_laws, term_laws
from gan_jax.testing.models import check_gradients

DEVICES = 4
softplus, stop = jax.nn.softplus, jax.lax.stop_gradient
LOG_2, NORM = np.log(2), np.linalg.norm


def falls(laws, name):
    """The law of this name falls, and says so."""
    found = [law for law in laws if law.name == name]
    assert len(found) == 1, [law.name for law in laws]
    with pytest.raises(AssertionError, match=re.escape(f"the law {name!r} fell: ")) as raised:
        found[0]()
    return str(raised.value)


def hold(laws):
    assert len({str(law) for law in laws}) == len(laws)
    for law in laws:
        law()


# Losses


def of_own(
    discriminator=lambda r, f: softplus(-r) + softplus(f), generator=lambda r, f: softplus(-f)
):
    """A non-saturating loss as a user writes it: it refuses nothing."""
    return AdversarialLoss(discriminator, generator)


COUNT = itertools.count()
OWN = dict(optimum=0.0, indifferent=2 * LOG_2, generator_indifferent=LOG_2)
SOUND_LOSSES = {
    "of one's own": (of_own(), dict(**OWN, bounded=(0.0, np.inf), refuses_shapes=False)),
    "smoothed labels": (
        losses.non_saturating(label_smoothing=0.1),
        dict(monotone=(-8.0, float(np.log(9))), generator_indifferent=LOG_2),
    ),
    "half the weight": (losses.non_saturating(real_weight=0.5), dict(optimum=-LOG_2)),
    "the labels exchanged": (
        losses.swapped(losses.hinge()),
        dict(optimum=0.0, indifferent=2.0, mirrored=True),
    ),
}
SIGN, GRADIENT = "each player's gradient has its sign", "each player has a gradient"
FAULTY_LOSSES = {
    "the generator's sign": (of_own(generator=lambda r, f: softplus(f)), SIGN),
    "a lost minus": (of_own(lambda r, f: softplus(r) + softplus(f)), SIGN),
    "real and fake exchanged": (of_own(lambda r, f: softplus(r) + softplus(-f)), SIGN),
    "a broadcast": (
        of_own(lambda r, f: softplus(-r[:, None]) + softplus(f[None])),
        "one value per example and per patch",
    ),
    "the mean inside": (
        of_own(lambda r, f: softplus(-r) + softplus(f).mean()),
        "rows are judged apart",
    ),
    "the logarithm of a sigmoid": (
        of_own(generator=lambda r, f: -jnp.log(jax.nn.sigmoid(f))),
        "finite at logits of ten thousand",
    ),
    "probabilities for logits": (
        of_own(lambda r, f: softplus(-jax.nn.sigmoid(r)) + softplus(jax.nn.sigmoid(f))),
        "the discriminator's loss at indifference",
    ),
    "a stopped gradient": (of_own(generator=lambda r, f: softplus(-stop(f))), GRADIENT),
    "a constant": (of_own(lambda r, f: jnp.full_like(r, 2 * LOG_2)), GRADIENT),
    "one side twice": (
        of_own(lambda r, f: 2 * softplus(-r) + softplus(f)),
        "the optimum at equal distributions",
    ),
    "the generator twice": (
        of_own(generator=lambda r, f: 2 * softplus(-f)),
        "the generator's loss at indifference",
    ),
    "shapes are taken": (of_own(), "shapes that broadcast are refused"),
    "counts its calls": (
        of_own(generator=lambda r, f: next(COUNT) * softplus(-f)),
        "jit changes nothing",
    ),
}


@pytest.mark.parametrize("name", SOUND_LOSSES)
def test_a_sound_loss_passes(name):
    loss, claims = SOUND_LOSSES[name]
    hold(loss_laws(loss, **claims))


@pytest.mark.parametrize("name", FAULTY_LOSSES)
def test_the_fault_of_a_loss_is_found(name):
    loss, law = FAULTY_LOSSES[name]
    falls(loss_laws(loss, **OWN), law)


def test_false_claims_are_found():
    claims = dict(shift_invariant=True, mirrored=True, bounded=(1.0, np.inf))
    laws = loss_laws(of_own(), **claims)
    for name in ("a common shift changes nothing", "the players mirror each other", "bounded"):
        falls(laws, name)


# Penalties


def slopes(logits_fn, points):
    return jax.grad(lambda x: logits_fn(x).sum())(points)


def squares(logits_fn, points):
    return jnp.sum(slopes(logits_fn, points) ** 2, tuple(range(1, points.ndim)))


def r1_of_one_row(logits_fn, points):
    slope = jax.vmap(jax.grad(lambda x: logits_fn(x[None]).sum()))(points)
    return jnp.sum(slope.reshape(len(points), -1) ** 2, 1) / 2


def towards_two(logits_fn, points):
    return penalties.wgan_gp(lambda x: logits_fn(x) / 2, points) * 4


def manhattan(logits_fn, points):
    return jnp.abs(slopes(logits_fn, points)).reshape(len(points), -1).sum(1)


R1 = dict(on_linear=lambda w: NORM(w) ** 2 / 2)
SOUND_PENALTIES = {
    "row by row": (r1_of_one_row, R1),
    "towards a slope of two": (
        towards_two,
        dict(on_linear=lambda w: (NORM(w) - 2) ** 2, constant=4.0),
    ),
    "the sum of slopes": (manhattan, dict(on_linear=lambda w: np.abs(w).sum())),
}
LINEAR = "the closed form on a linear discriminator"
FAULTY_PENALTIES = {
    "a factor of two": (squares, LINEAR),
    "a norm for its square": (lambda d, x: penalties.r1(d, x) ** 0.5, LINEAR),
    "a factor where it bends": (
        lambda d, x: squares(d, x) / 2 + 0.1 * (d(x) - d(x[::-1])) ** 2 * (len(x) > 2),
        "the closed form on a curved discriminator",
    ),
    "the slope of the mean": (
        lambda d, x: penalties.r1(lambda x: d(x) / len(x), x),
        "rows are judged apart",
    ),
    "a root at zero": (
        lambda d, x: (jnp.sqrt(squares(d, x)) - 1) ** 2,
        "finite where the discriminator is flat",
    ),
    "a stopped gradient": (
        lambda d, x: stop(penalties.r1(d, x)),
        "every parameter has a gradient",
    ),
    "the logits themselves": (
        lambda d, x: d(x) ** 2 / 2,
        "a constant added to the logits changes nothing",
    ),
    "the mean over examples": (lambda d, x: squares(d, x).mean() / 2, "one value per example"),
    "the last axis only": (
        lambda d, x: jnp.sum(slopes(d, x) ** 2, -1).reshape(len(x), -1)[:, 0] / 2,
        "images count as vectors",
    ),
    "a lost minus": (lambda d, x: -penalties.r1(d, x), "not negative"),
}


@pytest.mark.parametrize("name", SOUND_PENALTIES)
def test_a_sound_penalty_passes(name):
    penalty, claims = SOUND_PENALTIES[name]
    refuses = name == "towards a slope of two"  # being made of one of ours
    hold(penalty_laws(penalty, **claims, refuses_logits=refuses))


@pytest.mark.parametrize("name", FAULTY_PENALTIES)
def test_the_fault_of_a_penalty_is_found(name):
    penalty, law = FAULTY_PENALTIES[name]
    falls(penalty_laws(penalty, **R1), law)


# Terms

rng = np.random.default_rng(0)
REAL, FAKE = np.float32(rng.normal(size=(2, 4, 3)))
CONTEXT = Context(Exhibit(REAL), Exhibit(FAKE), latents={"z": FAKE[:, :2]})


def distance(key, context):
    return jnp.square(context.fake.samples - context.real.samples).mean(1)


def noisy_distance(key, context):
    return distance(key, context) * jax.random.uniform(key, (4,))


def test_a_sound_term_passes():
    expected = np.square(FAKE - REAL).mean(1)
    reaches = ("fake/samples", "real")
    hold(term_laws(distance, CONTEXT, reaches=reaches, value=expected, nonnegative=True))
    hold(term_laws(noisy_distance, CONTEXT, draws=True))


FAULTY_TERMS = {
    "rows against rows": (
        lambda key, c: jnp.square(c.fake.samples[:, None] - c.real.samples[None]).mean(-1),
        "one value per row, or a scalar",
    ),
    "the logarithm of zero": (lambda key, c: jnp.log(0 * c.fake.samples[:, 0]), "finite"),
    "a draw of NumPy": (
        lambda key, c: distance(key, c) * rng.normal(),
        "the same key draws the same",
    ),
    "a draw that is not claimed": (
        lambda key, c: distance(key, c) * jax.random.normal(key),
        "nothing is drawn",
    ),
    "a stopped gradient": (
        lambda key, c: jnp.square(stop(c.fake.samples) - c.real.samples).mean(1),
        "a gradient reaches fake/samples",
    ),
    "a factor of two": (
        lambda key, c: 2 * distance(key, c),
        "the value worked out by hand",
    ),
}


@pytest.mark.parametrize("name", FAULTY_TERMS)
def test_the_fault_of_a_term_is_found(name):
    term, law = FAULTY_TERMS[name]
    expected = np.square(FAKE - REAL).mean(1)
    falls(term_laws(term, CONTEXT, reaches=("fake/samples",), value=expected), law)


# Models

LATENTS = np.float32(rng.normal(size=(5, 3)))
generator, discriminator = MLPGenerator((2,), (6,)), MLPDiscriminator((6,))


class Faulty(nn.Module):
    """A discriminator with four faults, or with the fifth."""

    writes_in_evaluation: bool = False

    @nn.compact
    def __call__(self, samples, *, train):
        hidden = nn.tanh(nn.Dense(3)(samples))
        if self.writes_in_evaluation:
            return nn.Dense(1)(nn.BatchNorm(use_running_average=False)(hidden))[:, 0]
        nn.Dense(3)(hidden)
        hidden = nn.BatchNorm(use_running_average=True)(hidden - hidden.mean(0, keepdims=True))
        return nn.Dense(1)(hidden)


class Line(nn.Module):
    @nn.compact
    def __call__(self, latents, *, train):
        return nn.Dense(2)(latents)


FAULTY_MODELS = model_laws(Line(), Faulty(), LATENTS)
FAULTS_OF_MODELS = {
    "batch statistics in evaluation": "evaluation judges rows apart",
    "never writes": "running statistics are written in training",
    "a layer that is not used": "every parameter has a gradient",
    "a column": "float32, and one row per example",
}


@pytest.mark.parametrize("fault", FAULTS_OF_MODELS)
def test_the_fault_of_a_model_is_found(fault):
    told = falls(FAULTY_MODELS, f"discriminator: {FAULTS_OF_MODELS[fault]}")
    assert fault != "a layer that is not used" or "discriminator/Dense_1/kernel" in told


def test_a_model_that_writes_in_evaluation_is_found():
    laws = model_laws(Line(), Faulty(writes_in_evaluation=True), LATENTS)
    falls(laws, "discriminator: evaluation draws nothing and writes nothing")


def test_sound_models_pass():
    normed = generator.clone(norm_fn=BatchNorm)
    laws = model_laws(normed, discriminator, LATENTS, without_gradient=("generator/*/bias",))
    hold(laws)


@pytest.mark.thorough
def test_a_discriminator_that_couples_rows_is_found():
    coupled = discriminator.clone(statistic_fn=MinibatchStd)
    falls(model_laws(Line(), coupled, LATENTS), "discriminator: evaluation judges rows apart")


def test_a_player_that_couples_rows_may_be_claimed():
    names = [
        str(law)
        for law in model_laws(generator, discriminator, LATENTS, couples_rows=["discriminator"])
    ]
    assert "generator: evaluation judges rows apart" in names
    assert "discriminator: evaluation judges rows apart" not in names


# Games; a sound one passes in test_game

BATCH = {"real": np.float32(rng.normal(size=(1, 16, 2)))}


def shows(fn):
    return lambda generator_fn, latents, batch, turn: Shown(
        batch["real"], fn(generator_fn(latents))
    )


def its_own_rows(key, context):
    """Wrong on several devices: the mean of the rows here, squared."""
    return jnp.square(context.fake.samples.mean(0)).sum()


def log_of_zero(key, context):
    return jnp.log(0 * context.fake.samples[:, 0])


# Three faults that different laws see; one game, because it is compiled once.
FAULTY = game_laws(
    vector_game(
        show_fn=shows(stop),
        discriminator_terms={"log": Term(log_of_zero)},
        discriminator_optimizer=optax.set_to_zero(),
    ),
    BATCH,
)
FAULTS = {
    "fakes without a gradient": "every parameter of the generator has a gradient",
    "the logarithm of zero": "finite",
    "a player that stands": "the discriminator moves",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fault_of_a_game_is_found(fault):
    falls(FAULTY, FAULTS[fault])


def test_a_game_that_counts_in_python_is_found():
    game = vector_game(show_fn=shows(lambda fake: fake * (1 + next(COUNT) / 8)))
    told = falls(game_laws(game, BATCH), "every trace is the same program")
    assert " became " in told


@pytest.mark.thorough
def test_a_mean_over_the_rows_of_one_device_is_found():
    law = "4 devices give what one gives"
    next(one for one in game_laws(vector_game(), BATCH, devices=4) if str(one) == law)()
    game = vector_game(generator_terms={"mean": Term(its_own_rows, 10.0)})
    falls(game_laws(game, BATCH, devices=4), law)


def test_a_parameter_without_a_gradient_is_named_and_may_be_claimed():
    sizes = {"kernel": np.ones(2), "bias": np.float32([1e-9]), "scale": np.float32([np.nan])}
    with pytest.raises(AssertionError, match=r"gradient: d/bias \(1e-09\), d/scale \(nan\);"):
        check_gradients("d", sizes, ())
    check_gradients("d", sizes, ("d/bias", "*/scale"))


# What a law says


def test_a_law_says_which_example_it_fell_by():
    told = falls(loss_laws(of_own(generator=lambda r, f: softplus(f))), SIGN)
    assert re.search(
        r"the generator gains by lowering fake logits at real \[.*\], fake \[.*\]", told
    )


def test_an_error_of_what_is_checked_is_told_as_a_law_that_fell():
    def broken():
        raise KeyError("where")

    with pytest.raises(AssertionError, match="the law 'mine' fell: KeyError: 'where'"):
        Law("mine", broken)()


def test_nothing_is_computed_before_a_law_runs():
    def refuses(*args):
        raise RuntimeError

    loss_laws(AdversarialLoss(refuses, refuses)), penalty_laws(refuses)
    term_laws(refuses, CONTEXT), game_laws(vector_game(show_fn=refuses), BATCH)


def test_without_hypothesis_a_law_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "hypothesis", None)
    assert "pip install" in falls(loss_laws(of_own()), SIGN)
