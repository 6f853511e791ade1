"""Stacked MNIST: three digits in the three channels of an image, whose 1,000 modes can be counted.

    python experiments/stability/stacked_mnist.py --data-dir DIR                      # a folder that holds mnist/3.0.1
    python experiments/stability/stacked_mnist.py --recipe conv-rpgan-r1-r2
    python experiments/stability/stacked_mnist.py --recipe tiny --pack 4
    python experiments/stability/stacked_mnist.py --recipe pacgan --pack 2

The papers' protocols, and players of ours, dense or convolutional, that show what a loss and its penalties do. A
classifier of single digits, trained on MNIST and kept on disk, reads the modes.

Dense, seed 0, 4,000 steps (9.5 minutes on one core, the other busy): 985 of 1,000 modes (999 at step 2,400), KL 0.60,
Frechet 624 (real: 1,000, 0.023, 2.2; noise: 7, 6.9, 2,234); without penalties 44 modes. Convolutional
(conv-rpgan-r1-r2), seed 0, 12,000 steps (87 minutes so, with the classifier's training): 1,000 modes, KL 0.35,
Frechet 270, with a green channel of blotches. The other rows, and what falls short: experiments/stability/README.md.
"""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Literal, NamedTuple

import flax.linen as nn
import jax
import optax

from gan_jax import losses, penalties, schedules
from gan_jax.data import Data, in_memory, tfds_source
from gan_jax.data.arrays import joined
from gan_jax.data.images import check_images, stack_digits
from gan_jax.ema import no_ema
from gan_jax.game import Game, Term, alternating, unrolled
from gan_jax.game.update import Play
from gan_jax.metrics.evaluators.stacked import stacked_digits
from gan_jax.metrics.networks.cache import cached_classifier
from gan_jax.models.blocks import BatchNorm
from gan_jax.models.dcgan import DCGANDiscriminator, DCGANGenerator
from gan_jax.models.mlp import MLPDiscriminator, MLPGenerator
from gan_jax.remedies.packing import pack as packing
from gan_jax.training import Experiment, main

SHAPE = (28, 28, 3)
LOSSES = {"gan": losses.non_saturating, "rpgan": losses.relativistic_pairing}


class Recipe(NamedTuple):
    """A game, how it is played, with how much data, and how many samples are judged."""

    game: Game
    play: Play
    batch_size: int
    steps: int
    num_samples: int = 26_000


def uniform(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Latents on [-1, 1]."""
    return jax.random.uniform(key, shape, minval=-1.0, maxval=1.0)


def pacgan(steps: int | None, *, pack: int) -> Recipe:
    """Lin et al. 2018, arXiv 1712.04086, section 4.2 and table 2: a DCGAN of 64 filters.

    A batch holds 64 packs. The authors' 100,000 steps are the default.
    """
    optimizer = optax.adam(2e-4, b1=0.5)
    game = Game(
        generator=DCGANGenerator(SHAPE, (512, 256, 128, 64), activation_fn=nn.relu),
        discriminator=DCGANDiscriminator((64, 128, 256, 512), norm_fn=BatchNorm),
        loss=losses.non_saturating(),
        generator_optimizer=optimizer,
        discriminator_optimizer=optimizer,
        latent_size=100,
        latent_fn=uniform,
        generator_steps=2,
        augment_fn=packing(pack),
        ema_decay_fn=no_ema,
    )
    return Recipe(game, alternating, 64 * pack, steps or 100_000)


def tiny(steps: int | None, *, pack: int, unroll_steps: int = 0) -> Recipe:
    """Lin et al. 2018, table 3, after Metz et al. 2017, arXiv 1611.02163, section 3.3.1 and appendix.

    A discriminator of a quarter of the generator's channels. A batch holds 128 packs; the authors'
    500,000 steps are the default.
    """
    leaky_relu = partial(nn.leaky_relu, negative_slope=0.3)
    # eps_root: Adam has no derivative at a gradient of 0 without it
    adam = partial(optax.adam, b1=0.5, b2=0.99)
    game = Game(
        generator=DCGANGenerator(
            SHAPE, (64, 32, 16, 8), strides=(2, 2, 2, 1), kernel_size=3, activation_fn=nn.relu
        ),
        discriminator=DCGANDiscriminator(
            (2, 4, 8), kernel_size=3, norm_fn=BatchNorm, activation_fn=leaky_relu
        ),
        loss=losses.non_saturating(),
        generator_optimizer=adam(1e-4),
        discriminator_optimizer=adam(2e-4, eps_root=1e-8 if unroll_steps else 0.0),
        latent_size=256,
        augment_fn=packing(pack),
        ema_decay_fn=no_ema,
    )
    return Recipe(
        game, unrolled(steps=unroll_steps), 128 * pack, steps or 500_000, num_samples=25_600
    )


class Players(NamedTuple):
    """Networks of ours, and the numbers that were found for them."""

    generator: nn.Module
    discriminator: nn.Module
    batch_size: int
    steps: int
    weight_fn: Callable  # steps -> weight of every penalty


HE = nn.initializers.he_normal()
# 995 modes were there after 1,000 steps with batch norm, after 5,000 without it
DENSE = Players(
    MLPGenerator(SHAPE, (512, 512), norm_fn=BatchNorm, activation_fn=nn.relu, kernel_init=HE),
    MLPDiscriminator((512, 512), kernel_init=HE),
    batch_size=64,
    steps=4_000,
    weight_fn=lambda steps: 3.0,
)
# with two layers in the discriminator Frechet stayed at 600 and more, in up to 2,400 steps
CONVOLUTIONAL = Players(
    DCGANGenerator(SHAPE, (128, 64), kernel_size=4, activation_fn=nn.relu),
    DCGANDiscriminator((32, 64, 128, 256), kernel_size=4, kernel_init=HE),
    batch_size=32,
    steps=12_000,
    weight_fn=lambda steps: schedules.cosine(1.0, 0.1, end=steps),
)
PENALTIES = {"r1": (penalties.r1, penalties.on_real), "r2": (penalties.r2, penalties.on_fake)}


def penalized(
    players: Players, loss: str, names: tuple[str, ...], steps: int | None, *, pack: int
) -> Recipe:
    """Losses and penalties of Huang et al. 2024, arXiv 2501.05441, table 1, on networks of ours.

    Penalties in every step, as theirs; the networks and the numbers are ours.
    """
    steps = steps or players.steps
    weight = players.weight_fn(steps)

    def adam(rate: float) -> optax.GradientTransformation:
        return optax.adam(optax.cosine_decay_schedule(rate, steps, alpha=0.1), b1=0.5, b2=0.99)

    game = Game(
        generator=players.generator,
        discriminator=players.discriminator,
        loss=LOSSES[loss](),
        generator_optimizer=adam(1e-3),
        discriminator_optimizer=adam(5e-4),
        latent_size=64,
        discriminator_terms={
            name: Term(penalties.gradient_penalty(*PENALTIES[name]), weight) for name in names
        },
        augment_fn=packing(pack),
    )
    return Recipe(game, alternating, players.batch_size * pack, steps)


RECIPES = {
    "rpgan-r1-r2": partial(penalized, DENSE, "rpgan", ("r1", "r2")),
    "gan-r1-r2": partial(penalized, DENSE, "gan", ("r1", "r2")),
    "rpgan-r1": partial(penalized, DENSE, "rpgan", ("r1",)),
    "gan-r1": partial(penalized, DENSE, "gan", ("r1",)),
    "rpgan": partial(penalized, DENSE, "rpgan", ()),
    "conv-rpgan-r1-r2": partial(penalized, CONVOLUTIONAL, "rpgan", ("r1", "r2")),
    "conv-rpgan-r1": partial(penalized, CONVOLUTIONAL, "rpgan", ("r1",)),
    "pacgan": pacgan,
    "tiny": tiny,
}


def experiment(
    *,
    recipe: Literal[
        "rpgan-r1-r2",
        "gan-r1-r2",
        "rpgan-r1",
        "gan-r1",
        "rpgan",
        "conv-rpgan-r1-r2",
        "conv-rpgan-r1",
        "pacgan",
        "tiny",
    ] = "rpgan-r1-r2",
    data_dir: Path | None = None,
    train_split: str = "train",
    test_split: str = "test",
    seed: int = 0,
    steps: int | None = None,
    pack: int = 1,
    unroll_steps: int = 0,
    num_examples: int = 128_000,
    num_samples: int | None = None,
    classifier_steps: int = 4000,
) -> Experiment:
    """Stacked MNIST, and a recipe that is to learn its 1,000 modes.

    Args:
        recipe: ours first; the protocols of papers.
        data_dir: a folder of prepared TFDS data sets; TFDS's own default without it.
        train_split: of MNIST, from which the classifier learns; its digits and the next are stacked.
        test_split: of MNIST, on which the classifier is tested.
        seed: of everything that is drawn but the data.
        steps: rounds of updates; the recipe's own without it.
        pack: samples per judgement.
        unroll_steps: of the discriminator, in the recipe tiny.
        num_examples: stacked images to learn from, a fixed set.
        num_samples: that are judged; the recipe's own without it.
        classifier_steps: training of the classifier of single digits.
    """
    if recipe != "tiny" and unroll_steps:
        raise ValueError(f"unroll_steps={unroll_steps} belongs to --recipe tiny, got {recipe}")

    def read(split: str):
        source = tfds_source("mnist", split=split, data_dir=data_dir)
        return check_images(in_memory(source, fields=("image", "label")))

    @cache
    def mnist():
        return read(train_split), read(test_split)

    def modes(data: Data, *, num_samples: int | None = num_samples):
        classifier = cached_classifier(
            *mnist(),
            widths=(48, 96),
            num_features=128,
            max_shift=2,
            max_degrees=10.0,
            steps=classifier_steps,
        )
        num = num_samples or found.num_samples
        return stacked_digits(data, classifier=classifier, num_samples=num)

    recipe_fn = partial(tiny, unroll_steps=unroll_steps) if recipe == "tiny" else RECIPES[recipe]
    found = recipe_fn(steps, pack=pack)
    every = max(found.steps // 5, 1)
    return Experiment(
        game=found.game,
        data=Data(
            source_fn=lambda: stack_digits(joined(*mnist()), num=num_examples, seed=0),
        ),
        play=found.play,
        steps=found.steps,
        batch_size=found.batch_size,
        seed=seed,
        evaluators={"modes": modes},
        log_every_steps=min(20, every),
        sample_every_steps=every,
        evaluate_every_steps=every,
        save_every_steps=every,
        best_metric="modes/modes",
    )


if __name__ == "__main__":
    main(
        experiment,
        tiny=dict(
            recipe="tiny",
            train_split="train[:64]",
            test_split="test[:64]",
            steps=2,
            num_examples=256,
            num_samples=32,
            classifier_steps=4,
            sample_every_steps=2,
            evaluate_every_steps=2,
            save_every_steps=2,
        ),
    )
