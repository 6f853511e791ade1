"""R3GAN on CIFAR-10: no tricks, a paired relativistic loss, R1 and R2 in every step, five schedules.

    python experiments/families/cifar10_r3gan.py --data-dir DIR                      # a folder that holds cifar10/3.0.2
    python experiments/families/cifar10_r3gan.py --width 64 --cardinality 8 --batch-size 64

Huang et al. 2024, "The GAN is dead; long live the GAN! A modern GAN baseline" (NeurIPS; arXiv 2501.05441): over
twenty million images the rate, the penalties' weight, Adam's second moment, the EMA's half-life and the
augmentation move along cosines.

Not measured yet: the full network is for a GPU; the flags above make a narrow one for a laptop.
"""

from functools import partial
from pathlib import Path

import optax

from gan_jax import losses, penalties, schedules
from gan_jax.data import Data, image_fields, in_memory, labeled_image_fields, tfds_source
from gan_jax.data.images import check_images
from gan_jax.drawing import clipped
from gan_jax.ema import halflife
from gan_jax.game import Game, Term
from gan_jax.metrics.evaluators.asked import asked_class
from gan_jax.metrics.evaluators.images import of_classifier, quality
from gan_jax.models.r3gan import R3GANDiscriminator, R3GANGenerator
from gan_jax.remedies.augmentation_pipe import augmentation_pipe
from gan_jax.training import Experiment, main


def experiment(
    *,
    data_dir: Path | None = None,
    split: str = "train",
    held_out_split: str = "test[:5000]",
    conditional: bool = True,
    seed: int = 0,
    steps: int = 200_000,
    batch_size: int = 512,
    latent_size: int = 64,
    learning_rate: float = 2e-4,
    r1_weight: float = 0.05,
    augmentation: float = 0.55,
    schedule_images: float = 2e7,
    width: int = 768,
    cardinality: int = 96,
    blocks: int = 2,
    classifier_steps: int = 2000,
) -> Experiment:
    """R3GAN on CIFAR-10, as published.

    Args:
        data_dir: a folder of prepared TFDS data sets; TFDS's own default without it.
        split: of CIFAR-10, such as train or train[:1000].
        held_out_split: that is never trained on.
        conditional: both players are told the class.
        seed: of everything that is drawn.
        steps: rounds of one update for each player.
        batch_size: real images per update.
        latent_size: numbers that the generator starts from.
        learning_rate: of both players' Adam at first; a quarter at last.
        r1_weight: gamma of R1 and of R2 at first; a tenth at last.
        augmentation: the probability of each augmentation at last; 0 at first.
        schedule_images: in which first becomes last.
        width: channels of all four stages; the published networks have 768.
        cardinality: groups of the inner convolutions, which divide twice the width.
        blocks: in each stage.
        classifier_steps: training of the classifier that judges the samples.
    """

    def cifar10(split: str):
        source = tfds_source("cifar10", split=split, data_dir=data_dir)
        return check_images(in_memory(source, fields=("image", "label")))

    over = partial(schedules.cosine, end=max(1, round(schedule_images / batch_size)))
    rate, beta, gamma = (
        over(*ends)
        for ends in (
            (learning_rate, learning_rate / 4),
            (0.9, 0.99),
            (r1_weight, r1_weight / 10),
        )
    )
    half_life, share = over(0.0, 5e6), over(0.0, augmentation)
    adam = optax.inject_hyperparams(optax.adam)(learning_rate=rate, b1=0.0, b2=beta)
    # of the images as they are: the augmentation is a part of what is differentiated
    points = {"r1": penalties.on_real, "r2": penalties.on_fake}
    terms = {
        name: Term(
            penalties.gradient_penalty(penalties.r1, penalties.before_augmentation(on)), gamma
        )
        for name, on in points.items()
    }
    num_classes = 10 if conditional else None
    network_fn = partial(of_classifier, steps=classifier_steps)
    stages = dict(
        widths=(width,) * 4,
        cardinalities=(cardinality,) * 4,
        blocks=blocks,
        num_classes=num_classes,
    )
    game = Game(
        generator=R3GANGenerator((32, 32, 3), **stages),
        discriminator=R3GANDiscriminator(**stages),
        loss=losses.relativistic_pairing(),
        generator_optimizer=adam,
        discriminator_optimizer=adam,
        latent_size=latent_size,
        discriminator_terms=terms,
        augment_fn=augmentation_pipe(lambda turn: share(turn.step), color=0.5, cutout=1.0),
        ema_decay_fn=halflife(images=half_life, rampup=None),
    )
    return Experiment(
        game=game,
        draw_fn=clipped,  # no tanh: images are clipped when they are drawn
        data=Data(
            source_fn=partial(cifar10, split),
            held_out_fn=partial(cifar10, held_out_split),
            prepare_fn=labeled_image_fields if conditional else image_fields,
            augment_fn=None,
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
            width=8,
            cardinality=2,
            blocks=1,
        ),
    )
