"""SNGAN on CIFAR-10: residual players, every layer of the discriminator spectrally normalised.

    python experiments/families/cifar10_sngan.py --data-dir DIR                      # a folder that holds cifar10/3.0.2
    python experiments/families/cifar10_sngan.py --no-conditional
    python experiments/families/cifar10_sngan.py --generator-widths 32 32 32 32 --discriminator-widths 16 16 16 16

Miyato et al. 2018 (arXiv 1802.05957), table 3 and appendix B.4; with labels Miyato and Koyama 2018 (arXiv
1802.05637): conditional batch norm in the generator, the projection in the discriminator. The
generator's batch is twice the discriminator's, as published.

Not measured yet: the full network is for a GPU; the flags above make a narrow one for a laptop.
"""

from functools import partial
from pathlib import Path

import optax

from gan_jax import losses
from gan_jax.augment import flip, of_example
from gan_jax.data import Data, image_fields, in_memory, labeled_image_fields, tfds_source
from gan_jax.data.images import check_images
from gan_jax.ema import no_ema
from gan_jax.game import Game
from gan_jax.metrics.evaluators.asked import asked_class
from gan_jax.metrics.evaluators.images import of_classifier, quality
from gan_jax.models.resnet import ResNetDiscriminator, ResNetGenerator
from gan_jax.training import Experiment, main


def experiment(
    *,
    data_dir: Path | None = None,
    split: str = "train",
    held_out_split: str = "test[:5000]",
    conditional: bool = True,
    seed: int = 0,
    steps: int = 50_000,
    batch_size: int = 64,
    latent_size: int = 128,
    learning_rate: float = 2e-4,
    discriminator_steps: int = 5,
    generator_widths: tuple[int, ...] = (256, 256, 256, 256),
    discriminator_widths: tuple[int, ...] = (128, 128, 128, 128),
    classifier_steps: int = 2000,
) -> Experiment:
    """SNGAN on CIFAR-10, as published.

    Args:
        data_dir: a folder of prepared TFDS data sets; TFDS's own default without it.
        split: of CIFAR-10, such as train or train[:1000].
        held_out_split: that is never trained on.
        conditional: both players are told the class.
        seed: of everything that is drawn.
        steps: rounds: updates of the generator.
        batch_size: real images per update.
        latent_size: numbers that the generator starts from.
        learning_rate: of both players' Adam; it falls to 0 along a line.
        discriminator_steps: updates of the discriminator in a round.
        generator_widths: channels of the 4x4 map, and after each doubling.
        discriminator_widths: channels after each block.
        classifier_steps: training of the classifier that judges the samples.
    """

    def cifar10(split: str):
        source = tfds_source("cifar10", split=split, data_dir=data_dir)
        return check_images(in_memory(source, fields=("image", "label")))

    def adam(updates: int) -> optax.GradientTransformation:
        return optax.adam(optax.linear_schedule(learning_rate, 0.0, updates), b1=0.0, b2=0.9)

    num_classes = 10 if conditional else None
    network_fn = partial(of_classifier, steps=classifier_steps)
    game = Game(
        generator=ResNetGenerator((32, 32, 3), generator_widths, num_classes=num_classes),
        discriminator=ResNetDiscriminator(discriminator_widths, num_classes=num_classes),
        loss=losses.hinge(),
        generator_optimizer=adam(steps),
        discriminator_optimizer=adam(steps * discriminator_steps),
        latent_size=latent_size,
        discriminator_steps=discriminator_steps,
        generator_batches=2,
        ema_decay_fn=no_ema,  # the paper has none
    )
    return Experiment(
        game=game,
        data=Data(
            source_fn=partial(cifar10, split),
            held_out_fn=partial(cifar10, held_out_split),
            prepare_fn=labeled_image_fields if conditional else image_fields,
            augment_fn=of_example(flip),
        ),
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        evaluators={
            "quality": partial(quality, classifier_steps=classifier_steps),
            **({"asked": partial(asked_class, network_fn=network_fn)} if conditional else {}),
        },
        evaluate_every_steps=1000,
        best_metric="quality/frechet",
        log_every_steps=20,
        sample_every_steps=1000,
        save_every_steps=1000,
    )


if __name__ == "__main__":
    main(
        experiment,
        tiny=dict(
            split="train[:64]",
            held_out_split="test[:64]",
            steps=2,
            batch_size=8,
            classifier_steps=4,
            generator_widths=(8, 8, 8, 8),
            discriminator_widths=(4, 4, 4, 4),
            discriminator_steps=2,
        ),
    )
