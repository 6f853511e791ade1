"""StyleGAN2 with adaptive augmentation on a folder of your own images.

    python experiments/yours/folder_stylegan2.py --data-dir IMAGES --size 32
    python experiments/yours/folder_stylegan2.py --data-dir IMAGES --num-classes 10     # a subfolder for each class

Karras et al. 2020 (arXiv 1912.04958 and 2006.06676): styles, R1 in every 16th round, and images that are augmented
as much as the discriminator's overfitting asks for. ``sample RUN --truncation 0.7`` draws nearer to the mean style.

Transparent images are laid on a colour (--background); turned ones are turned back as their camera says. A tenth
of the images is never trained on; the samples are measured in features of a network that is trained on the folder
itself, and the best step is kept. Not measured yet.
"""

from functools import partial
from pathlib import Path

import optax

from gan_jax import losses, penalties, schedules
from gan_jax.augment import flip, of_example, unchanged
from gan_jax.data import Data, FolderSource, image_fields, in_memory, labeled_image_fields
from gan_jax.data.images import check_images
from gan_jax.ema import halflife
from gan_jax.game import Game, Term
from gan_jax.metrics.evaluators.images import distances
from gan_jax.metrics.evaluators.own_features import features_of, own_features
from gan_jax.models.minibatch_std import MinibatchStd
from gan_jax.models.stylegan2 import StyleGAN2Generator, truncated_styles
from gan_jax.models.stylegan2_discriminator import StyleGAN2Discriminator
from gan_jax.remedies.adaptive_augmentation import adaptive_probability, augmentation_memory
from gan_jax.remedies.augmentation_pipe import augmentation_pipe
from gan_jax.training import Experiment, main

mirror = flip


def experiment(
    *,
    data_dir: Path,
    size: int = 32,
    channels: int = 3,
    background: str = "white",
    num_classes: int | None = None,
    flip: bool = False,
    held_out_share: float = 0.1,
    seed: int = 0,
    steps: int = 12_000,
    batch_size: int = 32,
    latent_size: int = 64,
    learning_rate: float = 2.5e-3,
    r1_weight: float | None = None,
    ada: bool = True,
    ada_images: float = 100_000,
    width: int = 48,
    style_size: int = 64,
    mapping_layers: int = 2,
    feature_steps: int = 500,
) -> Experiment:
    """StyleGAN2 with adaptive augmentation on a folder of your own images.

    Args:
        data_dir: searched for image files with its subfolders.
        size: of the images, a square of so many pixels: a power of two, at least 8.
        channels: 1 (grey) or 3 (RGB).
        background: the colour on which transparent images are laid.
        num_classes: the subfolders of data_dir, of which there are so many, are classes, and both
            players are told them; without it there are no classes.
        flip: images are mirrored left to right half of the time. Not for letters and whatever else
            has a direction.
        held_out_share: of the images, never trained on.
        seed: of everything that is drawn.
        steps: rounds of one update for each player.
        batch_size: real images per update, a multiple of 4.
        latent_size: numbers that the generator starts from.
        learning_rate: of both players' Adam.
        r1_weight: gamma of R1; the published rule by default, 2e-4 size^2 / batch_size.
        ada: images are augmented as much as the discriminator's overfitting asks for.
        ada_images: in which the probability could go from 0 to 1; 500,000 as published, for longer
            runs.
        width: channels of all maps; the published networks have 512.
        style_size: of a style.
        mapping_layers: from the latents to a style.
        feature_steps: training of the network that measures the samples.
    """
    stages = size.bit_length() - 2  # maps of 4x4, 8x8, ... up to the image
    if size < 8 or size & (size - 1):
        raise ValueError(f"size must be a power of two, at least 8, got {size}")
    gamma = 2e-4 * size**2 / batch_size if r1_weight is None else r1_weight
    adam = partial(optax.adam, learning_rate, b1=0.0, b2=0.99, eps=1e-8)
    on_images = penalties.before_augmentation(penalties.on_real)
    r1 = Term(penalties.gradient_penalty(penalties.r1, on_images), schedules.lazy(gamma, every=16))
    widths = (width,) * stages
    game = Game(
        generator=StyleGAN2Generator(
            (size, size, channels),
            widths,
            style_size=style_size,
            mapping_layers=mapping_layers,
            num_classes=num_classes,
        ),
        discriminator=StyleGAN2Discriminator(
            widths,
            mapping_layers=mapping_layers,
            statistic_fn=partial(MinibatchStd, group_size=4),
            num_classes=num_classes,
        ),
        loss=losses.non_saturating(),
        generator_optimizer=adam(),
        discriminator_optimizer=adam(),
        latent_size=latent_size,
        discriminator_terms={"r1": r1},
        augment_fn=augmentation_pipe(adaptive_probability) if ada else unchanged,
        memory=augmentation_memory(images=ada_images) if ada else {},
        ema_decay_fn=halflife(images=10_000),
    )

    def images():
        folder = FolderSource(
            data_dir,
            size=size,
            channels=channels,
            background=background,
            num_classes=num_classes,
        )
        if kinds := folder.kinds():
            print(kinds)
        return check_images(in_memory(folder))

    return Experiment(
        game=game,
        data=Data(
            source_fn=images,
            held_out_share=held_out_share,
            prepare_fn=image_fields if num_classes is None else labeled_image_fields,
            augment_fn=of_example(mirror) if flip else None,
        ),
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        draw_fn=truncated_styles,
        draw_options={"truncation": 1.0},
        evaluators={
            "quality": partial(own_features, network_fn=partial(features_of, steps=feature_steps)),
            "distances": partial(distances, network_fn=partial(features_of, steps=feature_steps)),
        },
        evaluate_every_steps=500,
        sample_every_steps=500,
        save_every_steps=500,
    )


if __name__ == "__main__":
    main(
        experiment,
        tiny=dict(
            size=8, steps=2, batch_size=4, feature_steps=4, width=8, style_size=8, latent_size=8
        ),
    )
