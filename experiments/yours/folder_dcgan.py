"""A DCGAN on a folder of your own images, cropped and resized to one size.

    python experiments/yours/folder_dcgan.py --data-dir IMAGES --size 32
    python experiments/yours/folder_dcgan.py --data-dir IMAGES --size 48 64 --flip         # 48 high, 64 wide, mirrored too
    python experiments/yours/folder_dcgan.py --data-dir IMAGES --num-classes 10            # a subfolder for each class
    python experiments/yours/folder_dcgan.py --data-dir IMAGES --stream --cache-dir DIR    # more than memory holds

Radford et al. 2015 (arXiv 1511.06434) with R1 (Mescheder et al. 2018, arXiv 1801.04406) and DiffAugment
(Zhao et al. 2020, arXiv 2006.10738), which keeps the discriminator from learning some thousand images
by heart. A tenth of the images is never trained on; the samples are measured in features of a network
that is trained on the folder itself, and the best step is kept.

Measured on 3,786 emoji at 32x32 (seed 0, 12,000 steps; some 16 minutes of computing on one CPU core, 41 by the
clock beside other work): people and faces are good to look at, rarer things are coloured shapes. Frechet
distance 2.53, against 0.44 for held-out images and 58.5 for noise (379 samples against 3,407 training images,
features of turned images); precision 0.90, recall 0.88, coverage 0.79. A sample is nearer to the training images
than a held-out one in 17 % of the pairs: it does not show that they are learned by heart. With an R1 weight of 1
the distance was 7.3 at step 2,000, with 0.05 it was 10.2 at step 1,500, against 5.8 and 8.6 (one seed each).
"""

import math
from functools import partial
from pathlib import Path

import optax
from flax.linen.initializers import he_normal

from gan_jax import losses, penalties
from gan_jax.augment import color, compose, cutout, flip, of_example, translate, unchanged
from gan_jax.data import Data, FolderSource, decoded, image_fields, in_memory, labeled_image_fields
from gan_jax.data.images import check_images
from gan_jax.game import Game, Term
from gan_jax.metrics.evaluators.images import distances
from gan_jax.metrics.evaluators.own_features import features_of, own_features
from gan_jax.models.dcgan import DCGANDiscriminator, DCGANGenerator
from gan_jax.training import Experiment, main

mirror = flip


def experiment(
    *,
    data_dir: Path,
    size: int | tuple[int, int] = 32,
    channels: int = 3,
    background: str = "white",
    num_classes: int | None = None,
    flip: bool = False,
    diff_augment: bool = True,
    held_out_share: float = 0.1,
    stream: bool = False,
    cache_dir: Path | None = None,
    seed: int = 0,
    steps: int = 12_000,
    batch_size: int = 32,
    latent_size: int = 100,
    learning_rate: float = 1e-3,
    r1_weight: float = 0.3,
    base_width: int = 32,
    feature_steps: int = 500,
) -> Experiment:
    """A DCGAN on a folder of images.

    Args:
        data_dir: searched for image files with its subfolders.
        size: of the images: a square of this many pixels, or height and width; 8 to 128 pixels.
        channels: 1 (grey), 3 (RGB) or 4 (RGB and opacity).
        background: the colour on which transparent images are laid, except with four channels.
        num_classes: the subfolders of data_dir, of which there are so many, are classes, and both
            players are told them; without it there are no classes.
        flip: images are mirrored left to right half of the time. Not for letters and whatever else
            has a direction.
        diff_augment: colours, places and a covered square change in all that the discriminator sees.
            From some ten thousand images on it can be left out.
        held_out_share: of the images, never trained on.
        stream: read the images while training, instead of all of them before.
        cache_dir: a folder where they are kept, decoded and resized, for every later reading.
        seed: of everything that is drawn.
        steps: rounds of one update for each player.
        batch_size: real images per update.
        latent_size: numbers that the generator starts from.
        learning_rate: of both players' Adam.
        r1_weight: gamma of R1.
        base_width: channels at half the size; doubled with every halving.
        feature_steps: training of the network that measures the samples.
    """
    height, width = (size, size) if isinstance(size, int) else size
    least = min(height, width)
    if not 8 <= least <= max(height, width) <= 128:
        raise ValueError(f"size must be between 8 and 128 pixels, got {size}")
    halvings = max(2, int(math.log2(least)) - 2)  # down to 4 pixels or a little more, or 2 from 8
    widths = tuple(base_width * 2**i for i in range(halvings))
    adam = partial(optax.adam, learning_rate, b1=0.5, b2=0.99)
    # Zhao et al. 2020: by up to an eighth; what comes in at the border is grey
    changes = compose(color(), translate(max_shift=max(1, least // 8), fill=0.0), cutout())
    game = Game(
        generator=DCGANGenerator(
            (height, width, channels), widths[::-1], kernel_size=4, num_classes=num_classes
        ),
        discriminator=DCGANDiscriminator(
            widths, kernel_size=4, kernel_init=he_normal(), num_classes=num_classes
        ),
        loss=losses.non_saturating(),
        generator_optimizer=adam(),
        discriminator_optimizer=adam(),
        latent_size=latent_size,
        discriminator_terms={
            "r1": Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), r1_weight)
        },
        augment_fn=changes if diff_augment else unchanged,
    )

    def images():
        folder = FolderSource(
            data_dir,
            size=(height, width),
            channels=channels,
            background=background,
            num_classes=num_classes,
        )
        if kinds := folder.kinds():
            print(kinds)
        source = decoded(folder, cache_dir)
        return check_images(source if stream else in_memory(source))

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
        evaluators={
            "quality": partial(own_features, network_fn=partial(features_of, steps=feature_steps)),
            "distances": partial(distances, network_fn=partial(features_of, steps=feature_steps)),
        },
        evaluate_every_steps=500,
        sample_every_steps=500,
        save_every_steps=500,
    )


if __name__ == "__main__":
    main(experiment, tiny=dict(size=8, steps=4, batch_size=4, base_width=4, feature_steps=4))
