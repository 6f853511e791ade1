"""R3GAN on a folder of your own images, narrow enough for a laptop.

    python experiments/yours/folder_r3gan.py --data-dir IMAGES --size 32
    python experiments/yours/folder_r3gan.py --data-dir IMAGES --num-classes 10     # a subfolder for each class

Huang et al. 2024 (arXiv 2501.05441): no normalisation, a paired relativistic loss, R1 and R2 in every step, and
cosines of the rate, the penalties' weight, Adam's second moment, the EMA and the augmentation over the run. Larger
images want a larger --r1-weight: the published ones are 0.05 at 32x32, 2 at 64x64 and 150 at 256x256.

Transparent images are laid on a colour (--background); turned ones are turned back as their camera says. A tenth
of the images is never trained on; the samples are measured in features of a network that is trained on the folder
itself, and the best step is kept. Not measured yet.
"""

from functools import partial
from pathlib import Path

import optax

from gan_jax import losses, penalties, schedules
from gan_jax.augment import flip, of_example
from gan_jax.data import Data, FolderSource, image_fields, in_memory, labeled_image_fields
from gan_jax.data.images import check_images
from gan_jax.drawing import clipped
from gan_jax.ema import halflife
from gan_jax.game import Game, Term
from gan_jax.metrics.evaluators.images import distances
from gan_jax.metrics.evaluators.own_features import features_of, own_features
from gan_jax.models.r3gan import R3GANDiscriminator, R3GANGenerator
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
    learning_rate: float = 5e-4,
    r1_weight: float = 0.5,
    augmentation: float = 0.55,
    width: int = 48,
    cardinality: int = 6,
    blocks: int = 1,
    feature_steps: int = 500,
) -> Experiment:
    """R3GAN on a folder of your own images, narrow enough for a laptop.

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
        steps: rounds of one update for each player, over which the schedules go.
        batch_size: real images per update.
        latent_size: numbers that the generator starts from.
        learning_rate: of both players' Adam at first; a quarter at last.
        r1_weight: gamma of R1 and of R2 at first; a tenth at last.
        augmentation: the probability of each augmentation at last; 0 at first.
        width: channels of all stages; the published networks have 768.
        cardinality: groups of the inner convolutions, which divide twice the width.
        blocks: in each stage.
        feature_steps: training of the network that measures the samples.
    """
    stages = size.bit_length() - 2  # maps of 4x4, 8x8, ... up to the image
    if size < 8 or size & (size - 1):
        raise ValueError(f"size must be a power of two, at least 8, got {size}")
    over = partial(schedules.cosine, end=steps)
    rate, beta = over(learning_rate, learning_rate / 4), over(0.9, 0.99)
    gamma, share = over(r1_weight, r1_weight / 10), over(0.0, augmentation)
    adam = optax.inject_hyperparams(optax.adam)(learning_rate=rate, b1=0.0, b2=beta)
    # of the images as they are: the augmentation is a part of what is differentiated
    points = {"r1": penalties.on_real, "r2": penalties.on_fake}
    terms = {
        name: Term(
            penalties.gradient_penalty(penalties.r1, penalties.before_augmentation(on)), gamma
        )
        for name, on in points.items()
    }
    options = dict(
        widths=(width,) * stages,
        cardinalities=(cardinality,) * stages,
        blocks=blocks,
        num_classes=num_classes,
    )
    game = Game(
        generator=R3GANGenerator((size, size, channels), **options),
        discriminator=R3GANDiscriminator(**options),
        loss=losses.relativistic_pairing(),
        generator_optimizer=adam,
        discriminator_optimizer=adam,
        latent_size=latent_size,
        discriminator_terms=terms,
        augment_fn=augmentation_pipe(lambda turn: share(turn.step), color=0.5, cutout=1.0),
        # the published half-life is a quarter of the images of its schedules
        ema_decay_fn=halflife(images=over(0.0, steps * batch_size / 40), rampup=None),
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
        draw_fn=clipped,  # no tanh: images are clipped when they are drawn
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
        tiny=dict(size=8, steps=2, batch_size=4, feature_steps=4, width=8, cardinality=2),
    )
