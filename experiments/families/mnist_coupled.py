"""Digits and their edges, learned from no pair: CoGAN on MNIST.

    python experiments/families/mnist_coupled.py                    # prepares MNIST by TFDS on first use
    python experiments/families/mnist_coupled.py --data-dir DIR     # a folder that holds mnist/3.0.1

Liu and Tuzel 2016 (arXiv 1606.07536), section 4, digits, task A: one half of the training images is shown
as it is, of the other half only the edges. Two generators share all layers but the last two, two discriminators
all but the first, and that alone makes the edges those of the digit beside them.

Measured at a quarter of its 4,000 steps (seed 0, --steps 1000): the edges of a pair agree with the digit's in 84.8 % of
the pixels, and with those of another pair's digit in 82.3 % (each +- 0.03). So they know hardly more than where a digit
lies, and the digits are not good yet (Frechet 149). The full run is not measured.

The edges of a digit are its morphological gradient: what a dilation by 3x3 pixels adds to it. A pair is
judged by the share of pixels in which the generated edges are those of the generated digit (the paper's:
0.952). Two empty images agree wholly, and the edges of one real digit with those of another in 81 % of the
pixels: read it beside the agreement with the digit of another pair, and beside the quality of the digits.
Networks, R1 and rates are those of mnist_conditional.py, not the paper's. Two layers of the generators are
a domain's own, not one: the last makes each pixel from a map of half the size, where the paper's works at
the full one.
"""

import dataclasses
from functools import cache, partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax.linen.initializers import he_normal

from gan_jax import losses, penalties
from gan_jax.data import ArraySource, Data, image_fields, in_memory, tfds_source
from gan_jax.data.images import check_images
from gan_jax.drawing import Drawn
from gan_jax.drawing.artefacts import Picture
from gan_jax.drawing.compose import image_rows
from gan_jax.drawing.sampler import noise
from gan_jax.game import Game, Term
from gan_jax.metrics.evaluators import Evaluator, Figure, by_row
from gan_jax.metrics.evaluators.images import quality
from gan_jax.models.coupled import CoupledDiscriminator, CoupledGenerator, unpaired
from gan_jax.training import Experiment, main


def edges(images: jax.Array) -> jax.Array:
    """What a dilation by 3x3 pixels adds, from -1 (nothing) to 1: ``[..., H, W, C]`` in [-1, 1]."""
    window = (1,) * (images.ndim - 3) + (3, 3, 1)
    ones = (1,) * images.ndim
    dilated = jax.lax.reduce_window(images, -jnp.inf, jax.lax.max, window, ones, "SAME")
    return dilated - images - 1.0


def digit_or_edges(key: jax.Array, example: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """A digit as it is, or the edges of one: the fields say which, by the name of its pixels."""
    if "image" in example:
        return image_fields(key, example)
    return {"real": edges(image_fields(key, {"image": example["edges_of"]})["real"])}


def two_domains(digits: ArraySource) -> dict[str, ArraySource]:
    """The first half as digits, the second as what edges are taken of: no digit is in both."""
    images, half = digits.arrays["image"], len(digits) // 2
    return {
        "a": ArraySource({"image": images[:half]}),
        "b": ArraySource({"edges_of": images[half:]}),
    }


def real_pairs(players, keys, rows) -> dict[str, jax.Array]:
    """A reference: held-out digits with edges of their own."""
    return {"a": rows["a"]["real"], "b": edges(rows["a"]["real"])}


def noise_pairs(players, keys, rows) -> dict[str, jax.Array]:
    """A reference: two images of noise."""
    other = jax.vmap(lambda key: jax.random.fold_in(key, 1))(keys)
    return {"a": noise(None, keys, rows["a"]), "b": noise(None, other, rows["b"])}


def pair_agreement(data: Data, *, num_samples: int = 10_000) -> Evaluator:
    """The share of pixels in which the edges of a pair are those of its digit, and those of another pair's."""

    def compared(drawn: Drawn) -> dict[str, np.ndarray]:
        of_digit, drawn_edges = np.asarray(edges(drawn.samples["a"])) > 0, drawn.samples["b"] > 0
        agree = lambda digits: (digits == drawn_edges).mean((1, 2, 3))  # noqa: E731
        return {"agreement": agree(of_digit), "other_agreement": agree(np.roll(of_digit, 1, 0))}

    return Evaluator(
        measure_fn=by_row(compared),
        figures={
            "agreement": Figure("pixels of the digit's edges", "more"),
            "other_agreement": Figure("of another digit's edges"),
        },
        protocol={
            "description": f"{num_samples:,} pairs; pixels above 0 are edges; edges of a digit: what a dilation "
            "by 3x3 adds to it",
            "data": data.fingerprints(),
        },
        num=num_samples,
        references={"real": real_pairs, "noise": noise_pairs},
    )


def pairs(sampler) -> dict[str, Picture]:
    """Digits, the edges that they have, and the edges that were drawn beside them."""
    digits, drawn_edges = (sampler.draw().samples[name][:10] for name in ("a", "b"))
    columns = {"digit": digits, "its edges": np.asarray(edges(digits)), "drawn edges": drawn_edges}
    return {"samples": image_rows(columns)}


def experiment(
    *,
    data_dir: Path | None = None,
    split: str = "train",
    held_out_split: str = "test",
    seed: int = 0,
    steps: int = 4000,
    batch_size: int = 64,
    latent_size: int = 64,
    learning_rate: float = 1e-3,
    r1_weight: float = 0.1,
    generator_own_layers: int = 2,
    discriminator_own_layers: int = 1,
    generator_widths: tuple[int, ...] = (96, 48, 24),
    discriminator_widths: tuple[int, ...] = (24, 48, 96),
    classifier_steps: int = 3000,
) -> Experiment:
    """CoGAN on digits and edges of MNIST.

    Args:
        data_dir: a folder of prepared TFDS data sets; TFDS's own default without it.
        split: of MNIST, such as train or train[:10000]; each domain gets a half of it.
        held_out_split: that is never trained on.
        seed: of everything that is drawn.
        steps: rounds of one update for each player.
        batch_size: real images of each domain per update.
        latent_size: numbers that a pair starts from.
        learning_rate: of both players' Adam; it falls to a tenth along a cosine.
        r1_weight: gamma of R1, of each judge.
        generator_own_layers: transposed convolutions that a domain has for itself, the last ones.
        discriminator_own_layers: convolutions that it has for itself, the first ones.
        generator_widths: channels before each transposed convolution, from 4x4.
        discriminator_widths: channels after each convolution.
        classifier_steps: training of the classifier that judges the digits.
    """

    @cache
    def mnist(split: str):
        source = tfds_source("mnist", split=split, data_dir=data_dir)
        return check_images(in_memory(source, fields=("image", "label")))

    def of_digits(data: Data, *, num_samples: int = 5000) -> Evaluator:
        """The quality of one domain, whose classifier is that of all labelled digits."""
        labelled = Data(source_fn=partial(mnist, split), held_out_fn=partial(mnist, held_out_split))
        return dataclasses.replace(
            quality(labelled, num_samples=num_samples, classifier_steps=classifier_steps),
            draw_fn=lambda players, latents, rows: players.generator_fn(latents)["a"],
            references={
                "real": lambda players, keys, rows: rows["a"]["real"],
                "noise": lambda players, keys, rows: noise(players, keys, rows["a"]),
            },
        )

    schedule = optax.cosine_decay_schedule(learning_rate, steps, alpha=0.1)
    adam = optax.adam(schedule, b1=0.5, b2=0.99)
    players = dict(kernel_size=4, kernel_init=he_normal())
    r1 = Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), r1_weight)
    game = Game(
        generator=CoupledGenerator(
            (28, 28, 1), generator_widths, own_layers=generator_own_layers, **players
        ),
        discriminator=CoupledDiscriminator(
            discriminator_widths, own_layers=discriminator_own_layers, **players
        ),
        loss=losses.non_saturating(),
        generator_optimizer=adam,
        discriminator_optimizer=adam,
        latent_size=latent_size,
        show_fn=unpaired,
        discriminator_terms={"r1": r1},
    )
    return Experiment(
        game=game,
        data=Data(
            source_fn=lambda: two_domains(mnist(split)),
            held_out_fn=lambda: two_domains(mnist(held_out_split)),
            prepare_fn=digit_or_edges,
        ),
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        artefacts_fn=pairs,
        evaluators={"pairs": pair_agreement, "quality": of_digits},
        evaluate_every_steps=1000,
        best_metric="quality/frechet",
        log_every_steps=50,
        sample_every_steps=500,
        save_every_steps=500,
    )


if __name__ == "__main__":
    main(
        experiment,
        tiny=dict(
            split="train[:64]",
            held_out_split="test[:64]",
            steps=4,
            batch_size=8,
            generator_widths=(8, 4),
            discriminator_widths=(4, 8),
            classifier_steps=4,
        ),
    )
