"""BigGAN on CIFAR-10: latents and a shared vector of the class reach every block.

    python experiments/families/cifar10_biggan.py --data-dir DIR                      # a folder that holds cifar10/3.0.2
    python experiments/families/cifar10_biggan.py --base-width 16

Brock et al. 2019 (arXiv 1809.11096), in the form of StudioGAN for 32x32 (Kang et al. 2022, arXiv 2206.09479):
width 96, attention at 16x16, hinge, Adam(2e-4; 0.5, 0.999), five updates of the discriminator, an EMA, and
statistics of batch norm taken anew when samples are drawn.

Not measured yet: the full network is for a GPU; the flags above make a narrow one for a laptop.
"""

from functools import partial
from pathlib import Path

import optax

from gan_jax import losses
from gan_jax.augment import flip, of_example
from gan_jax.data import Data, in_memory, labeled_image_fields, tfds_source
from gan_jax.data.images import check_images
from gan_jax.ema import halflife
from gan_jax.game import Game
from gan_jax.metrics.evaluators.asked import asked_class
from gan_jax.metrics.evaluators.images import of_classifier, quality
from gan_jax.models.biggan import BigGANDiscriminator, BigGANGenerator
from gan_jax.training import Experiment, main


def experiment(
    *,
    data_dir: Path | None = None,
    split: str = "train",
    held_out_split: str = "test[:5000]",
    seed: int = 0,
    steps: int = 100_000,
    batch_size: int = 64,
    learning_rate: float = 2e-4,
    discriminator_steps: int = 5,
    base_width: int = 96,
    part_size: int = 20,
    shared_size: int = 128,
    classifier_steps: int = 2000,
) -> Experiment:
    """BigGAN on CIFAR-10.

    Args:
        data_dir: a folder of prepared TFDS data sets; TFDS's own default without it.
        split: of CIFAR-10, such as train or train[:1000].
        held_out_split: that is never trained on.
        seed: of everything that is drawn.
        steps: rounds: updates of the generator.
        batch_size: real images per update.
        learning_rate: of both players' Adam.
        discriminator_steps: updates of the discriminator in a round.
        base_width: channels of the discriminator's first block; its others have twice, and the
            generator's four times as many.
        part_size: latents that go into each of the four stages of the generator.
        shared_size: of the vector of a class.
        classifier_steps: training of the classifier that judges the samples.
    """

    def cifar10(split: str):
        source = tfds_source("cifar10", split=split, data_dir=data_dir)
        return check_images(in_memory(source, fields=("image", "label")))

    adam = partial(optax.adam, learning_rate, b1=0.5, b2=0.999)
    network_fn = partial(of_classifier, steps=classifier_steps)
    game = Game(
        generator=BigGANGenerator(
            (32, 32, 3), (4 * base_width,) * 4, shared_size=shared_size, num_classes=10
        ),
        discriminator=BigGANDiscriminator((2 * base_width,) * 4, num_classes=10),
        loss=losses.hinge(),
        generator_optimizer=adam(),
        discriminator_optimizer=adam(),
        latent_size=4 * part_size,
        discriminator_steps=discriminator_steps,
        judge_together=True,  # as the authors do: one power iteration for real and fake samples
        ema_decay_fn=halflife(images=6931 * batch_size),  # a decay of 0.9999 in each round
    )
    return Experiment(
        game=game,
        data=Data(
            source_fn=partial(cifar10, split),
            held_out_fn=partial(cifar10, held_out_split),
            prepare_fn=labeled_image_fields,
            augment_fn=of_example(flip),
        ),
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        standing_statistics_batches=40,
        evaluators={
            "quality": partial(quality, classifier_steps=classifier_steps),
            "asked": partial(asked_class, network_fn=network_fn),
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
            base_width=4,
            part_size=2,
            shared_size=4,
            discriminator_steps=2,
        ),
    )
