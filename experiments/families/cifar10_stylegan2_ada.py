"""StyleGAN2 with adaptive augmentation on CIFAR-10.

    python experiments/families/cifar10_stylegan2_ada.py --data-dir DIR                      # a folder that holds cifar10/3.0.2
    python experiments/families/cifar10_stylegan2_ada.py --split train[:1000]    # little data is what ADA is for
    python experiments/families/cifar10_stylegan2_ada.py --width 32 --style-size 64 --no-ada

Karras et al. 2020 (arXiv 1912.04958 and 2006.06676), the configuration ``cifar``: two layers from the latents to
a style, no mixing of styles, no path lengths, a discriminator without shortcuts, R1 in every 16th round, an EMA
with a half-life of 500,000 images.

Not measured yet: the full network is for a GPU; the flags above make a narrow one for a laptop.
"""

from functools import partial
from pathlib import Path

import optax

from gan_jax import losses, penalties, schedules
from gan_jax.augment import flip, of_example, unchanged
from gan_jax.data import Data, image_fields, in_memory, labeled_image_fields, tfds_source
from gan_jax.data.images import check_images
from gan_jax.ema import halflife
from gan_jax.game import Game, Term
from gan_jax.metrics.evaluators.asked import asked_class
from gan_jax.metrics.evaluators.images import of_classifier, quality
from gan_jax.models.minibatch_std import MinibatchStd
from gan_jax.models.stylegan2 import StyleGAN2Generator, truncated_styles
from gan_jax.models.stylegan2_discriminator import StyleGAN2Discriminator
from gan_jax.remedies.adaptive_augmentation import adaptive_probability, augmentation_memory
from gan_jax.remedies.augmentation_pipe import augmentation_pipe
from gan_jax.training import Experiment, main


def experiment(
    *,
    data_dir: Path | None = None,
    split: str = "train",
    held_out_split: str = "test[:5000]",
    conditional: bool = True,
    seed: int = 0,
    steps: int = 400_000,
    batch_size: int = 64,
    latent_size: int = 512,
    learning_rate: float = 2.5e-3,
    r1_weight: float = 0.01,
    ada: bool = True,
    ada_target: float = 0.6,
    width: int = 512,
    style_size: int = 512,
    group_size: int = 32,
    classifier_steps: int = 2000,
) -> Experiment:
    """StyleGAN2 on CIFAR-10, as published.

    Args:
        data_dir: a folder of prepared TFDS data sets; TFDS's own default without it.
        split: of CIFAR-10, such as train or train[:1000].
        held_out_split: that is never trained on.
        conditional: both players are told the class.
        seed: of everything that is drawn.
        steps: rounds of one update for each player.
        batch_size: real images per update.
        latent_size: numbers that the generator starts from.
        learning_rate: of both players' Adam.
        r1_weight: gamma of R1.
        ada: images are augmented as much as the discriminator's overfitting asks for.
        ada_target: the mean sign of real logits at which the augmentation stays as it is.
        width: channels of all maps.
        style_size: of a style.
        group_size: rows of a minibatch statistic, which divide the batch.
        classifier_steps: training of the classifier that judges the samples.
    """

    def cifar10(split: str):
        source = tfds_source("cifar10", split=split, data_dir=data_dir)
        return check_images(in_memory(source, fields=("image", "label")))

    adam = partial(optax.adam, learning_rate, b1=0.0, b2=0.99, eps=1e-8)
    on_images = penalties.before_augmentation(penalties.on_real)
    r1 = Term(
        penalties.gradient_penalty(penalties.r1, on_images), schedules.lazy(r1_weight, every=16)
    )
    num_classes = 10 if conditional else None
    network_fn = partial(of_classifier, steps=classifier_steps)
    game = Game(
        generator=StyleGAN2Generator(
            (32, 32, 3),
            (width,) * 4,
            style_size=style_size,
            mapping_layers=2,
            num_classes=num_classes,
        ),
        discriminator=StyleGAN2Discriminator(
            (width,) * 4,
            residual=False,
            statistic_fn=partial(MinibatchStd, group_size=group_size),
            num_classes=num_classes,
        ),
        loss=losses.non_saturating(),
        generator_optimizer=adam(),
        discriminator_optimizer=adam(),
        latent_size=latent_size,
        discriminator_terms={"r1": r1},
        augment_fn=augmentation_pipe(adaptive_probability) if ada else unchanged,
        memory=augmentation_memory(target=ada_target) if ada else {},
        ema_decay_fn=halflife(images=500_000),
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
        draw_fn=truncated_styles,
        draw_options={"truncation": 1.0},
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
            style_size=8,
            latent_size=8,
            group_size=4,
        ),
    )
