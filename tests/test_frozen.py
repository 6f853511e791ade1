"""Ten games give the figures that they gave: what moves them on purpose writes tests/frozen.json anew, and says why.

Where the gradient of a parameter is 0 by construction (a bias before batch norm, a bias that a loss of
differences forgets), Adam makes full steps of its rounding: these games train by SGD.

    python tests/test_frozen.py      # from the root of the repository: writes the figures of today
"""

import json
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from games import image_game, vector_game

from gan_jax import losses, penalties, schedules
from gan_jax.game import Term, init, make_train_step
from gan_jax.models.blocks import BatchNorm, spectral
from gan_jax.models.mlp import MLPDiscriminator, MLPGenerator
from gan_jax.remedies import consistency
from gan_jax.remedies.feature_matching import feature_matching
from gan_jax.remedies.instance_noise import instance_noise
from gan_jax.remedies.lecam import lecam, logits_average
from gan_jax.remedies.packing import pack
from gan_jax.remedies.top_k import top_k

FIGURES = Path(__file__).parent / "frozen.json"
key = jax.random.key(0)
REAL = jax.random.normal(jax.random.key(1), (1, 16, 2)) + jnp.array([2.0, 0.0])[None, None]
LABELS = {"real": REAL, "condition": jnp.arange(16)[None] % 3}
IMAGES = {"real": jax.random.uniform(key, (2, 8, 8, 8, 1), minval=-1)}
SGD = dict(generator_optimizer=optax.sgd(0.005), discriminator_optimizer=optax.sgd(0.005))
normed = MLPGenerator((2,), (8,), norm_fn=BatchNorm)
gradient = penalties.gradient_penalty
R1 = {"r1": Term(gradient(penalties.r1, penalties.on_real), 0.3)}
R2 = {"r2": Term(gradient(penalties.r2, penalties.on_fake), 0.3)}
GP = {"gp": Term(gradient(penalties.wgan_gp, penalties.between), 1.0)}
SIZE = {"size": Term(lambda key, context: (context.fake.samples**2).sum(1), 0.3)}

GAMES = {
    "batch norm and dropout, two steps": (
        dict(
            generator=normed,
            discriminator=MLPDiscriminator((8,), norm_fn=BatchNorm, dropout_rate=0.5),
            discriminator_steps=2,
            **SGD,
        ),
        {"real": jnp.concatenate([REAL, REAL + 1])},
    ),
    "labels, R1, R2, relativistic average": (
        dict(
            generator=MLPGenerator((2,), (8,), num_classes=3),
            discriminator=MLPDiscriminator((8,), num_classes=3),
            loss=losses.relativistic_average(),
            discriminator_terms=R1 | R2,
            generator_steps=2,
            **SGD,
        ),
        LABELS,
    ),
    "LeCam": (
        dict(loss=losses.hinge(), discriminator_terms=lecam(0.5), memory=logits_average()),
        {"real": REAL},
    ),
    "top-k and instance noise": (
        dict(
            generator_mean_fn=top_k(0.25),
            augment_fn=instance_noise(schedules.linear(0.5, 0.0, end=5)),
        ),
        {"real": REAL},
    ),
    "micro-batches": (
        dict(
            loss=losses.relativistic_pairing(), discriminator_terms=R1 | R2, generator=normed,
            generator_terms=SIZE, micro_batches=2, **SGD,
        ),
        {"real": REAL},
    ),
    "feature matching": (
        dict(generator_terms=feature_matching(1.0)),
        {"real": REAL},
    ),
    "convolutions, spectral norm": (SGD, IMAGES),
    "packing, WGAN-GP": (
        dict(augment_fn=pack(4), loss=losses.wasserstein(), discriminator_terms=GP),
        {"real": REAL},
    ),
    "zCR": (
        dict(
            discriminator_terms=consistency.latent_consistency(scale=0.5),
            generator_terms=consistency.latent_diversity(scale=0.5),
        ),
        {"real": REAL},
    ),
    "dropout, spectral norm, R1, R2, WGAN-GP": (
        dict(
            discriminator=MLPDiscriminator((8, 8), constrain_fn=spectral, dropout_rate=0.2),
            discriminator_terms=R1 | R2 | GP,
        ),
        {"real": REAL},
    ),
}  # fmt: skip


def figures(name):
    """The metrics of the third round."""
    changes, batch = GAMES[name]
    game = (image_game if batch is IMAGES else vector_game)(**changes)
    state = jax.jit(partial(init, game))(key, batch)
    step = jax.jit(make_train_step(game))
    for _ in range(3):
        state, metrics = step(state, batch, key)
    return {metric: float(value) for metric, value in metrics.items()}


@pytest.mark.thorough
@pytest.mark.parametrize("name", GAMES)
def test_the_third_round_is_what_it_was(name):
    expected, found = json.loads(FIGURES.read_text())[name], figures(name)
    assert found.keys() == expected.keys()
    np.testing.assert_allclose(
        list(found.values()), [expected[metric] for metric in found], rtol=1e-3, atol=1e-5
    )


if __name__ == "__main__":
    FIGURES.write_text(json.dumps({name: figures(name) for name in GAMES}, indent=1) + "\n")
