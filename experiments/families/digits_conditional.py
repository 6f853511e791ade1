"""The digit that you ask for: a conditional DCGAN on scikit-learn's digits.

    python experiments/families/digits_conditional.py
    python -m gan_jax sample runs/digits_conditional --condition 7 --out sevens.png

The game of digits_dcgan.py, whose players are also told which digit it is: ``prepare_fn`` makes the field
``condition`` of each example, both networks have ``num_classes``, and pictures, figures and samples follow.
The discriminator's logit has the class projected onto its features (Miyato and Koyama 2018, arXiv 1802.05637).

Measured (seed 0, 8,000 steps, 73 s on two CPU cores): a classifier reads all of 898 samples as the digit
that was asked for (of real ones as well, of noise 10 %); Frechet distance 1.3 +- 0.4, against 0.9 +- 0.3
between real halves and 81.2 +- 0.8 for noise (features of the classifier trained in the run).
"""

from functools import partial

import jax
import jax.numpy as jnp
import optax

from gan_jax import losses, penalties
from gan_jax.data import Data, digits, image_fields
from gan_jax.game import Game, Term
from gan_jax.metrics.evaluators.asked import asked_class
from gan_jax.metrics.evaluators.images import of_classifier, quality
from gan_jax.models.dcgan import DCGANDiscriminator, DCGANGenerator
from gan_jax.training import Experiment, main


def image_and_digit(key: jax.Array, example: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """What both players see of an example: the image, and which digit it is."""
    return image_fields(key, example) | {"condition": example["label"].astype(jnp.int32)}


def experiment(
    *,
    seed: int = 0,
    steps: int = 8000,
    batch_size: int = 64,
    latent_size: int = 64,
    learning_rate: float = 1e-3,
    r1_weight: float = 0.1,
    generator_widths: tuple[int, ...] = (64, 32),
    discriminator_widths: tuple[int, ...] = (32, 64),
    classifier_steps: int = 600,
) -> Experiment:
    """A conditional DCGAN on scikit-learn's digits.

    Args:
        seed: of everything that is drawn.
        steps: rounds of one update for each player.
        batch_size: real images per update, of 1,797.
        latent_size: numbers that the generator starts from.
        learning_rate: of both players' Adam.
        r1_weight: gamma of R1.
        generator_widths: channels before each transposed convolution.
        discriminator_widths: channels after each convolution.
        classifier_steps: training of the classifier that reads the samples.
    """
    adam = partial(optax.adam, b1=0.5, b2=0.99)
    game = Game(
        generator=DCGANGenerator((8, 8, 1), generator_widths, kernel_size=4, num_classes=10),
        discriminator=DCGANDiscriminator(discriminator_widths, kernel_size=4, num_classes=10),
        loss=losses.non_saturating(),
        generator_optimizer=adam(learning_rate),
        discriminator_optimizer=adam(learning_rate),
        latent_size=latent_size,
        discriminator_terms={
            "r1": Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), r1_weight)
        },
    )
    return Experiment(
        game=game,
        data=Data(source_fn=digits, prepare_fn=image_and_digit),
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        evaluators={
            "asked": partial(
                asked_class, network_fn=partial(of_classifier, steps=classifier_steps)
            ),
            "quality": partial(quality, classifier_steps=classifier_steps),
        },
        evaluate_every_steps=1000,
        best_metric="quality/frechet",
        sample_every_steps=500,
        save_every_steps=1000,
    )


if __name__ == "__main__":
    main(
        experiment,
        tiny=dict(
            steps=4,
            batch_size=8,
            generator_widths=(8, 4),
            discriminator_widths=(4, 8),
            classifier_steps=4,
        ),
    )
