"""A small game with everything that a state holds: a memory of rows, one of averages, running statistics.

python open_game.py
"""

import jax.numpy as jnp
import numpy as np
import optax

from gan_jax import losses
from gan_jax.data import ArraySource, Data, as_is
from gan_jax.drawing.pictures import density_picture
from gan_jax.drawing.shown import pictured
from gan_jax.game import Game, Memory
from gan_jax.metrics.evaluators.vectors import scalars
from gan_jax.models.blocks import BatchNorm
from gan_jax.models.mlp import MLPDiscriminator, MLPGenerator
from gan_jax.remedies.lecam import lecam, logits_average
from gan_jax.training import Experiment, main

POINTS = np.random.default_rng(0).normal(0.5, 0.1, size=(200, 1)).astype(np.float32)


def pool() -> Memory:
    """The real samples of the last round."""
    return Memory(
        lambda rows: jnp.zeros_like(rows["real"]),
        lambda key, value, seen: seen.discriminator.shown.real,
    )


def experiment(*, seed: int = 0, steps: int = 60) -> Experiment:
    """The small game.

    Args:
        seed: of everything that is drawn.
        steps: rounds.
    """
    game = Game(
        generator=MLPGenerator((1,), (8,), output_fn=None, norm_fn=BatchNorm),
        discriminator=MLPDiscriminator((8,)),
        loss=losses.non_saturating(),
        generator_optimizer=optax.adam(1e-3, b1=0.5),
        discriminator_optimizer=optax.adam(1e-3, b1=0.5),
        latent_size=2,
        discriminator_terms=lecam(0.1),
        memory=logits_average() | {"pool": pool()},
    )
    return Experiment(
        game=game,
        data=Data(
            source_fn=lambda: ArraySource({"real": POINTS}),
            prepare_fn=as_is,
        ),
        steps=steps,
        batch_size=8,
        seed=seed,
        artefacts_fn=pictured(density_picture(POINTS), num=200),
        evaluators={"scalars": scalars},
        log_every_steps=20,
        sample_every_steps=60,
        evaluate_every_steps=60,
        save_every_steps=60,
    )


if __name__ == "__main__":
    main(experiment, tiny={})
