"""Every family with any loss, penalty, augmentation, play, precision and arrangement: drawn at random, on demand.

pytest -m slow tests/test_compositions.py
COMPOSITIONS=100:140 pytest -m slow tests/test_compositions.py    # other ones
"""

import json
import os
from functools import partial

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import augment, losses, penalties, train
from gan_jax.data import ArraySource, Data, labeled_image_fields
from gan_jax.game import Game, Term, alternating, plays, simultaneous
from gan_jax.models.biggan import BigGANDiscriminator, BigGANGenerator
from gan_jax.models.dcgan import DCGANDiscriminator, DCGANGenerator
from gan_jax.models.r3gan import R3GANDiscriminator, R3GANGenerator
from gan_jax.models.resnet import ResNetDiscriminator, ResNetGenerator
from gan_jax.models.stylegan2 import StyleGAN2Generator
from gan_jax.models.stylegan2_discriminator import StyleGAN2Discriminator
from gan_jax.remedies.augmentation_pipe import augmentation_pipe
from gan_jax.remedies.diff_augment import diff_augment
from gan_jax.training import Experiment

DEVICES = 4
STEPS = 20
SHAPE, CLASSES = (8, 8, 3), 3
FIRST, LAST = map(int, os.environ.get("COMPOSITIONS", "0:12").split(":"))

FAMILIES = {
    "dcgan": (partial(DCGANGenerator, SHAPE, (8, 4)), partial(DCGANDiscriminator, (4, 8))),
    "sngan": (partial(ResNetGenerator, SHAPE, (6, 5)), partial(ResNetDiscriminator, (4, 6), 1)),
    "biggan": (
        partial(BigGANGenerator, SHAPE, (8, 8), shared_size=3, attention=(8,)),
        partial(BigGANDiscriminator, (8, 8), 1, attention=(4,)),
    ),
    "stylegan2": (
        partial(StyleGAN2Generator, SHAPE, (6, 5), style_size=6, mapping_layers=2),
        partial(StyleGAN2Discriminator, (4, 6)),
    ),
    "r3gan": (
        partial(R3GANGenerator, SHAPE, (4, 4), (2, 2), 1),
        partial(R3GANDiscriminator, (4, 4), (2, 2), 1),
    ),
}
LOSSES = {
    "non_saturating": losses.non_saturating(),
    "least_squares": losses.least_squares(),
    "hinge": losses.hinge(),
    "wasserstein": losses.wasserstein(),
    "relativistic_pairing": losses.relativistic_pairing(),
    "relativistic_average": losses.relativistic_average(),
}
PENALTIES = {
    "none": None,
    "r1": (penalties.r1, penalties.on_real),
    "r2": (penalties.r2, penalties.on_fake),
    "r1 un-augmented": (penalties.r1, penalties.before_augmentation(penalties.on_real)),
    "wgan_gp": (penalties.wgan_gp, penalties.between),
}
AUGMENTATIONS = {
    "none": augment.unchanged,
    "flip": augment.flip,
    "diff_augment": diff_augment(),
    "pipe": augmentation_pipe(0.5),
}
PLAYS = {
    "alternating": alternating,
    "simultaneous": simultaneous,
    "extragradient": plays.extragradient,
    "consensus": plays.consensus(weight=0.1),
    "unrolled": plays.unrolled(steps=1),
}


def composition(number):
    """Names, each drawn from one of the tables."""
    rng = np.random.default_rng(number)
    tables = (FAMILIES, LOSSES, PENALTIES, AUGMENTATIONS, PLAYS)
    names = [str(rng.choice(list(table))) for table in tables]
    return (
        *names,
        str(rng.choice(["float32", "bfloat16"])),
        str(rng.choice(["jit", "shard_map", "pmap"])),
    )


def built(family, loss, penalty, augmentation, play, dtype):
    generator_fn, discriminator_fn = FAMILIES[family]
    options = dict(num_classes=CLASSES, dtype=jnp.bfloat16 if dtype == "bfloat16" else None)
    game = Game(
        generator=generator_fn(**options),
        discriminator=discriminator_fn(**options),
        loss=LOSSES[loss],
        generator_optimizer=optax.sgd(1e-3),
        discriminator_optimizer=optax.sgd(1e-3),
        latent_size=6,
        discriminator_terms={"penalty": Term(penalties.gradient_penalty(*PENALTIES[penalty]), 0.1)}
        if PENALTIES[penalty]
        else {},
        augment_fn=AUGMENTATIONS[augmentation],
    )
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (16, *SHAPE)).astype(np.uint8)
    source = ArraySource({"image": images, "label": np.arange(16, dtype=np.int32) % CLASSES})
    return Experiment(
        game=game,
        data=Data(source_fn=lambda: source, prepare_fn=labeled_image_fields),
        play=PLAYS[play],
        steps=STEPS,
        batch_size=16,  # four rows a device, as StyleGAN2 compares them in fours
        num_seeds=2,
        log_every_steps=5,
        loggers=(),
    )


@pytest.mark.slow
@pytest.mark.parametrize("number", range(FIRST, LAST))
def test_it_trains(number, tmp_path):
    *names, parallel = composition(number)
    print(number, *names, parallel)
    run = train(built(*names), tmp_path / "run", parallel=parallel)
    lines = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["step"] == STEPS
    for line in lines:
        assert np.isfinite(line["discriminator/loss"]) and np.isfinite(line["generator/loss"])
