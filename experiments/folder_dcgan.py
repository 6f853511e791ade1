"""A DCGAN on a folder of your own images, cropped to squares and resized.

    python experiments/folder_dcgan.py --data-dir IMAGES --size 64
    python experiments/folder_dcgan.py --data-dir IMAGES --stream --cache-dir DIR    # more than memory holds

Radford et al. 2015 (arXiv 1511.06434) with R1 (Mescheder et al. 2018). No measured result: it
depends on the images.
"""

import math
from functools import partial
from pathlib import Path

import optax

from gan_jax import losses, penalties
from gan_jax.data import Data, FolderSource, decoded, in_memory
from gan_jax.data.images import check_images
from gan_jax.game import Game, Term
from gan_jax.models.dcgan import DCGANDiscriminator, DCGANGenerator
from gan_jax.training import Experiment, main


def experiment(
    *,
    data_dir: Path,
    size: int = 32,
    channels: int = 3,
    background: str = "white",
    stream: bool = False,
    cache_dir: Path | None = None,
    seed: int = 0,
    steps: int = 20_000,
    batch_size: int = 64,
    latent_size: int = 100,
    learning_rate: float = 2e-4,
    r1_weight: float = 1.0,
    base_width: int = 64,
) -> Experiment:
    """A DCGAN on a folder of images.

    Args:
        data_dir: searched for image files with its subfolders.
        size: of the square images; 8, 16, 32 or 64 pixels.
        channels: 1 (grey) or 3 (RGB).
        background: the colour on which transparent images are laid.
        stream: read the images while training, instead of all of them before.
        cache_dir: a folder where they are kept, decoded and resized, for every later reading.
        seed: of everything that is drawn.
        steps: rounds of one update for each player.
        batch_size: real images per update.
        latent_size: numbers that the generator starts from.
        learning_rate: of both players' Adam.
        r1_weight: gamma of R1.
        base_width: channels at half the size; doubled with every halving.
    """
    if size not in (8, 16, 32, 64):
        raise ValueError(f"size must be 8, 16, 32 or 64 pixels, got {size}")
    halvings = int(math.log2(size)) - 2 if size > 8 else 2  # down to 4x4, or 2x2 from 8x8
    widths = tuple(base_width * 2**i for i in range(halvings))
    adam = partial(optax.adam, learning_rate, b1=0.5, b2=0.99)
    game = Game(
        generator=DCGANGenerator((size, size, channels), widths[::-1], kernel_size=4),
        discriminator=DCGANDiscriminator(widths, kernel_size=4),
        loss=losses.non_saturating(),
        generator_optimizer=adam(),
        discriminator_optimizer=adam(),
        latent_size=latent_size,
        discriminator_terms={
            "r1": Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), r1_weight)
        },
    )

    def images():
        folder = FolderSource(data_dir, size=size, channels=channels, background=background)
        if kinds := folder.kinds():
            print(kinds)
        source = decoded(folder, cache_dir)
        return check_images(source if stream else in_memory(source))

    return Experiment(
        game=game,
        data=Data(
            source_fn=images,
        ),
        steps=steps,
        batch_size=batch_size,
        seed=seed,
    )


if __name__ == "__main__":
    main(experiment, tiny=dict(size=8, steps=4, batch_size=4, base_width=4))
