"""The digit that you ask for, on MNIST: a conditional DCGAN with a projection discriminator.

    python experiments/families/mnist_conditional.py                    # prepares MNIST by TFDS on first use
    python experiments/families/mnist_conditional.py --data-dir DIR     # a folder that holds mnist/3.0.1
    python -m gan_jax sample runs/mnist_conditional --condition 7 --out sevens.png
    python -m gan_jax evaluate runs/mnist_conditional --only gan_train  # trains a classifier on samples

Both players are told the label: the generator beside its latents, the discriminator by the projection of
the class onto its features (Miyato and Koyama 2018, arXiv 1802.05637, eq. 3). R1 (Mescheder et al. 2018,
arXiv 1801.04406) keeps the game stable.

Measured (seeds 0, 1, 2; 4,000 steps, about nine minutes of computing on one CPU core each): 99.1, 99.2 and 99.2 %
of 10,000 samples are the digit that was asked for (of real ones 98.9 %, in the eyes of a classifier of 98.8 %);
Frechet distance 2.96, 2.45 and 2.58, against 1.42 +- 0.22 for other real images and 450 for noise; a classifier
trained on 50,000 samples alone reads 95.1, 95.5 and 95.2 % of the real test digits (98.2 % if trained on real ones).
"""

from functools import partial
from pathlib import Path

import optax
from flax.linen.initializers import he_normal

from gan_jax import losses, penalties
from gan_jax.data import Data, in_memory, labeled_image_fields, tfds_source
from gan_jax.data.images import check_images
from gan_jax.game import Game, Term
from gan_jax.metrics.evaluators.asked import asked_class, gan_train
from gan_jax.metrics.evaluators.images import of_classifier, quality
from gan_jax.models.dcgan import DCGANDiscriminator, DCGANGenerator
from gan_jax.training import Experiment, main


def experiment(
    *,
    data_dir: Path | None = None,
    split: str = "train",
    held_out_split: str = "test",
    seed: int = 0,
    steps: int = 4000,
    batch_size: int = 64,
    latent_size: int = 64,
    learning_rate: float = 1e-3,
    r1_weight: float = 0.1,
    generator_widths: tuple[int, ...] = (96, 48, 24),
    discriminator_widths: tuple[int, ...] = (24, 48, 96),
    classifier_steps: int = 3000,
) -> Experiment:
    """A conditional DCGAN on MNIST.

    Args:
        data_dir: a folder of prepared TFDS data sets; TFDS's own default without it.
        split: of MNIST, such as train or train[:10000].
        held_out_split: that is never trained on; its labels are what is asked for.
        seed: of everything that is drawn.
        steps: rounds of one update for each player.
        batch_size: real images per update.
        latent_size: numbers that the generator starts from, beside the label.
        learning_rate: of both players' Adam; it falls to a tenth along a cosine.
        r1_weight: gamma of R1.
        generator_widths: channels before each transposed convolution, from 4x4.
        discriminator_widths: channels after each convolution.
        classifier_steps: training of the classifier that reads the samples.
    """

    def mnist(split: str):
        source = tfds_source("mnist", split=split, data_dir=data_dir)
        return check_images(in_memory(source, fields=("image", "label")))

    schedule = optax.cosine_decay_schedule(learning_rate, steps, alpha=0.1)
    adam = optax.adam(schedule, b1=0.5, b2=0.99)
    players = dict(kernel_size=4, kernel_init=he_normal(), num_classes=10)
    game = Game(
        generator=DCGANGenerator((28, 28, 1), generator_widths, **players),
        discriminator=DCGANDiscriminator(discriminator_widths, **players),
        loss=losses.non_saturating(),
        generator_optimizer=adam,
        discriminator_optimizer=adam,
        latent_size=latent_size,
        discriminator_terms={
            "r1": Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), r1_weight)
        },
    )
    network_fn = partial(of_classifier, steps=classifier_steps)
    return Experiment(
        game=game,
        data=Data(
            source_fn=partial(mnist, split),
            held_out_fn=partial(mnist, held_out_split),
            prepare_fn=labeled_image_fields,
        ),
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        evaluators={
            "asked": partial(asked_class, network_fn=network_fn, num_samples=10_000),
            "quality": partial(quality, classifier_steps=classifier_steps),
            "gan_train": partial(gan_train, num_samples=50_000),
        },
        evaluate_every_steps=1000,
        best_metric="quality/frechet",
        log_every_steps=50,
        sample_every_steps=500,
        save_every_steps=500,
    )


if __name__ == "__main__":
    main(
        experiment,
        tiny=dict(
            split="train[:64]",
            held_out_split="test[:64]",
            steps=4,
            batch_size=8,
            generator_widths=(8, 4),
            discriminator_widths=(4, 8),
            classifier_steps=4,
        ),
    )
