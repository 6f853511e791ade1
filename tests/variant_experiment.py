"""The six variants as one experiment file: python tests/variant_experiment.py --variant cyclegan."""

import importlib

import jax
import numpy as np
from PIL import Image

from gan_jax.data import ArraySource, Data, as_is
from gan_jax.drawing.shown import pictured
from gan_jax.training import Experiment, main

# by its name in a string: a file that imports its neighbor is no experiment, and is refused
variants = importlib.import_module("variants")
SIZE, VARIANTS = variants.SIZE, variants.VARIANTS
EXAMPLES = {"a": 40, "b": 23}  # unpaired data need not be as many


def points(num, *shape):
    return np.random.default_rng(num).normal(size=(num, *shape)).astype(np.float32)


def images():
    real = points(40, 4, 4, 1)
    return ArraySource({"real": real, "input": np.ascontiguousarray(real[:, :, ::-1])})


SOURCES = {
    "cyclegan": lambda: {n: ArraySource({"real": points(m, SIZE)}) for n, m in EXAMPLES.items()},
    "pix2pix": images,
    "acgan": lambda: ArraySource({"real": points(40, SIZE), "label": np.arange(40) % 4}),
}


def of_code(players, latents, rows):
    return players.generator_fn({"z": latents["z"], "code": jax.nn.one_hot(latents["code"], 4)})


def translated(players, latents, rows):
    methods = {"b": ("a", "a_to_b"), "a": ("b", "b_to_a")}
    return {
        to: players.generator_fn(rows[start]["real"], method=method)
        for to, (start, method) in methods.items()
    }


DRAWN = {
    "bigan": lambda players, latents, rows: players.generator_fn(latents, method="decode"),
    "infogan": of_code,
    "acgan": of_code,
    "cyclegan": translated,
    "pix2pix": lambda players, latents, rows: players.generator_fn(rows["input"]),
    "vaegan": lambda players, latents, rows: players.generator_fn(
        latents["prior"], method="decode"
    ),
}


def picture(samples, logits_fn):
    """The samples as grey stripes: other samples, another picture."""
    rows = np.concatenate(
        [leaf.reshape(len(leaf), -1) for leaf in jax.tree.leaves(samples)], axis=1
    )
    return Image.fromarray(np.clip(128 + 40 * rows, 0, 255).astype(np.uint8))


def experiment(*, variant: str = "cyclegan", steps: int = 8, save: int = 2) -> Experiment:
    """One of the six variants on a few numbers."""
    return Experiment(
        game=VARIANTS[variant]().game,
        data=Data(
            source_fn=SOURCES.get(variant, lambda: ArraySource({"real": points(40, SIZE)})),
            prepare_fn=as_is,
        ),
        draw_fn=DRAWN[variant],
        artefacts_fn=pictured(picture, num=16),
        steps=steps,
        batch_size=16,
        log_every_steps=1,
        sample_every_steps=steps,
        save_every_steps=save,
    )


if __name__ == "__main__":
    main(experiment, tiny={})
