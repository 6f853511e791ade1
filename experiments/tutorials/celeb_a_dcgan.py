"""A DCGAN on CelebA's faces at 64x64, with attributes to ask for.

    python experiments/tutorials/celeb_a_dcgan.py                                   # prepares CelebA by TFDS on first use
    python experiments/tutorials/celeb_a_dcgan.py --data-dir DIR --cache-dir CACHE  # a folder that holds celeb_a/2.1.0
    python experiments/tutorials/celeb_a_dcgan.py --attributes Smiling Eyeglasses   # four classes, told to both players

The third data set of the tutorials: 202,599 faces of celebrities (Liu et al. 2015, arXiv 1411.7766), the whole head in
the middle of each picture. Four layers for each player, as Radford et al. 2015 (arXiv 1511.06434, section 4) have for
faces, with R1, which keeps the game stable.

Not measured: the data were not at hand. Its source is tested on a few records of the same schema.
"""

from functools import partial
from pathlib import Path

import optax
from flax.linen.initializers import he_normal

from gan_jax import losses, penalties
from gan_jax.augment import flip, of_example
from gan_jax.data import Data, decoded, image_fields, in_memory, labeled_image_fields, tfds_source
from gan_jax.data.celeb_a import Faces
from gan_jax.data.images import check_images
from gan_jax.game import Game, Term
from gan_jax.metrics.evaluators.images import distances
from gan_jax.metrics.evaluators.own_features import features_of, own_features
from gan_jax.models.dcgan import DCGANDiscriminator, DCGANGenerator
from gan_jax.training import Experiment, main


def experiment(
    *,
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
    split: str = "train",
    held_out_split: str = "test[:5000]",
    size: int = 64,
    crop: int = 178,
    attributes: tuple[str, ...] = (),
    stream: bool = False,
    seed: int = 0,
    steps: int = 100_000,
    batch_size: int = 64,
    latent_size: int = 100,
    learning_rate: float = 2e-4,
    r1_weight: float = 1.0,
    generator_widths: tuple[int, ...] = (512, 256, 128, 64),
    discriminator_widths: tuple[int, ...] = (64, 128, 256, 512),
    feature_steps: int = 2000,
) -> Experiment:
    """A DCGAN on CelebA.

    Args:
        data_dir: a folder of prepared TFDS data sets; TFDS's own default without it.
        cache_dir: a folder where the cropped images are kept for every later reading.
        split: of CelebA, such as train or train[:10000].
        held_out_split: that is never trained on.
        size: of the images, a square.
        crop: side of the square in the middle of each picture: 178 holds the head, 108 the face.
        attributes: that the generator can be asked for; each doubles the number of classes.
        stream: read the images while training, instead of all of them (2.5 GB at 64x64) before.
        seed: of everything that is drawn.
        steps: rounds of one update for each player.
        batch_size: real images per update.
        latent_size: numbers that the generator starts from.
        learning_rate: of both players' Adam.
        r1_weight: gamma of R1, which the paper does not have.
        generator_widths: channels before each transposed convolution.
        discriminator_widths: channels after each convolution.
        feature_steps: training of the network that measures the samples.
    """

    def faces(split: str):
        pictures = tfds_source("celeb_a", split=split, data_dir=data_dir)
        source = decoded(Faces(pictures, size=size, crop=crop, attributes=attributes), cache_dir)
        return check_images(source if stream else in_memory(source))

    num_classes = 2 ** len(attributes) if attributes else None
    adam = partial(optax.adam, learning_rate, b1=0.5, b2=0.99)
    r1 = Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), r1_weight)
    game = Game(
        generator=DCGANGenerator(
            (size, size, 3), generator_widths, kernel_size=4, num_classes=num_classes
        ),
        discriminator=DCGANDiscriminator(
            discriminator_widths, kernel_size=4, kernel_init=he_normal(), num_classes=num_classes
        ),
        loss=losses.non_saturating(),
        generator_optimizer=adam(),
        discriminator_optimizer=adam(),
        latent_size=latent_size,
        discriminator_terms={"r1": r1},
    )
    network_fn = partial(features_of, steps=feature_steps)
    return Experiment(
        game=game,
        data=Data(
            source_fn=partial(faces, split),
            held_out_fn=partial(faces, held_out_split),
            prepare_fn=labeled_image_fields if attributes else image_fields,
            augment_fn=of_example(flip),
        ),
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        evaluators={
            "quality": partial(own_features, network_fn=network_fn),
            "distances": partial(distances, network_fn=network_fn),
        },
        evaluate_every_steps=2000,
        log_every_steps=50,
        sample_every_steps=1000,
        save_every_steps=1000,
    )


if __name__ == "__main__":
    main(
        experiment,
        tiny=dict(
            split="train[:64]",
            held_out_split="test[:64]",
            size=16,
            steps=2,
            batch_size=8,
            generator_widths=(8, 8, 4, 4),
            discriminator_widths=(4, 4, 8, 8),
            feature_steps=4,
        ),
    )
