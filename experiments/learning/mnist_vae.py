"""One decoder, learned in four ways: VAE, importance-weighted autoencoder, GAN and BiGAN on MNIST.

    python experiments/learning/mnist_vae.py --family vae                   # prepares MNIST by TFDS on first use
    python experiments/learning/mnist_vae.py --family vae --data-dir DIR    # a folder that holds mnist/3.0.1
    python experiments/learning/mnist_vae.py --family iwae --code-samples 50 --bound-samples 5000
    python experiments/learning/mnist_vae.py --family gan
    python experiments/learning/mnist_vae.py --family bigan

Measured, the VAE alone and far below its papers' length (seed 0; --steps 8000 --classifier-steps 600: 13 epochs, about
90 seconds of training on a shared CPU core): negative ELBO 119.1 +- 0.4 nats and negative bound of 500 codes 115.6 +-
0.4, where Burda et al. have 86.76 with 5,000 at their end; PSNR of what is encoded and decoded 17.2 dB; 91.7 +- 0.3 %
of the test images have the digit of their nearest code, 96.9 +- 0.2 % that of their nearest pixels; Frechet distance
41.1 +- 0.7, against 0.7 for other real images and 266 for noise. The bound on training images still rises by one nat in
1,000 steps when the run ends. IWAE, GAN and BiGAN are not measured, nor the default of 30,000 steps.

The autoencoders are those of Burda et al. 2016 (arXiv 1509.00519), section 5: pixels drawn anew as 0 or 1 in every
step (dynamic binarisation), two hidden layers of 200 tanh units each way and a code of 50. Learning rates, batches and
steps are ours. The adversarial families train the same decoder (its mean pixels) against grey images, beside an MLP
discriminator with R1. What a family has no part for is not measured: a GAN has no encoder, and neither of the two
adversarial ones has a likelihood.
"""

import dataclasses
from functools import partial
from pathlib import Path
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn

from gan_jax import losses, penalties
from gan_jax.context import Shown
from gan_jax.data import Data, image_fields, in_memory, tfds_source
from gan_jax.data.images import check_images
from gan_jax.drawing.artefacts import Picture
from gan_jax.drawing.compose import image_rows
from gan_jax.drawing.pictures import image_grid
from gan_jax.drawing.sampler import real
from gan_jax.game import Game, Term
from gan_jax.metrics.evaluators.classification import nearest_neighbor
from gan_jax.metrics.evaluators.evidence import evidence
from gan_jax.metrics.evaluators.images import quality
from gan_jax.metrics.evaluators.paired import paired
from gan_jax.models.absent import Absent
from gan_jax.models.autoencoder import MLPAutoencoder, PairDiscriminator, pairs
from gan_jax.models.mlp import MLPDiscriminator
from gan_jax.remedies.variational import (
    evidence_bound,
    pixels_of,
    variational,
    variational_latents,
)
from gan_jax.training import Experiment, main
from gan_jax.variational import bernoulli_log_density

Family = Literal["vae", "iwae", "gan", "bigan"]


def grey_and_binary(key: jax.Array, example: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """The image, the same in 0s and 1s drawn by its pixels, and its label for an evaluator."""
    grey = image_fields(key, example)["real"]
    binary = jax.random.bernoulli(key, 0.5 * (grey + 1.0)).astype(jnp.float32)
    return {"real": grey, "binary": binary, "label": example["label"].astype(jnp.int32)}


def decoded_pixels(players, codes) -> jax.Array:
    """The mean pixels of codes."""
    return pixels_of(players.generator_fn(codes, method="decode"))


def sampled(players, latents, rows) -> jax.Array:
    """Samples of the prior."""
    return decoded_pixels(players, latents["prior"] if isinstance(latents, dict) else latents)


def code(players, latents, rows) -> jax.Array:
    """The code of a grey image; of a variational encoder its mean."""
    found = players.generator_fn(rows["real"], method="encode")
    return found[0] if isinstance(found, tuple) else found


def reconstructed(players, latents, rows) -> jax.Array:
    """Grey images, encoded and decoded."""
    return decoded_pixels(players, code(players, latents, rows))


def posterior(players, rows):
    """Mean and log variance of the codes of binary images."""
    return players.generator_fn(2.0 * rows["binary"] - 1.0, method="encode")


def log_likelihood(players, rows, codes) -> jax.Array:
    """Of binary images under codes ``[s, n, Z]``: ``[s, n]``."""
    samples, num, size = codes.shape
    logits = players.generator_fn(codes.reshape(-1, size), method="decode")
    truth = jnp.stack([jnp.reshape(rows["binary"], (num, -1))] * samples)
    return bernoulli_log_density(truth, logits.reshape(truth.shape))


def against_grey(generator_fn, latents, batch, turn) -> Shown:
    """A GAN: mean pixels of the prior against grey images."""
    return Shown(batch["real"], pixels_of(generator_fn(latents, method="decode")))


def grey_pairs(generator_fn, latents, batch, turn) -> Shown:
    """A BiGAN: pairs of grey images and codes."""
    shown = pairs(generator_fn, latents, batch, turn)
    return shown._replace(fake=(pixels_of(shown.fake[0]), shown.fake[1]))


def reconstructions(data: Data):
    """PSNR and SSIM of test images that are encoded and decoded."""
    return dataclasses.replace(paired(data), draw_fn=reconstructed, when="end")


def with_reconstructions(sampler) -> dict[str, Picture]:
    """Samples; and test images beside what they are decoded to."""
    drawn = sampler.draw(64)
    images = drawn.rows["real"][:12]
    made = np.asarray(reconstructed(sampler.players, None, {"real": images}))
    return samples_alone(sampler) | {
        "reconstructions": image_rows({"image": images, "decoded": made})
    }


def samples_alone(sampler) -> dict[str, Picture]:
    """Samples."""
    return {"samples": Picture(image_grid(sampler.draw(64).samples))}


def experiment(
    *,
    data_dir: Path | None = None,
    split: str = "train",
    held_out_split: str = "test",
    seed: int = 0,
    family: Family = "vae",
    code_samples: int = 1,
    bound_samples: int = 500,
    steps: int = 30_000,
    batch_size: int = 100,
    code_size: int = 50,
    learning_rate: float = 1e-3,
    r1_weight: float = 0.1,
    widths: tuple[int, ...] = (200, 200),
    discriminator_widths: tuple[int, ...] = (256, 128),
    classifier_steps: int = 3000,
) -> Experiment:
    """A decoder of MNIST, learned in four ways.

    Args:
        data_dir: a folder of prepared TFDS data sets; TFDS's own default without it.
        split: of MNIST, such as train or train[:10000].
        held_out_split: that is never trained on.
        seed: of everything that is drawn.
        family: vae, iwae, gan or bigan.
        code_samples: codes of an image in an update; of iwae the k of its bound.
        bound_samples: codes of an image in the bound that is measured, a multiple of 25; papers take 5,000.
        steps: rounds of one update for each player.
        batch_size: real images per update.
        code_size: numbers of a code, standard normal where they are drawn.
        learning_rate: of both players' Adam; it falls to a tenth along a cosine.
        r1_weight: gamma of R1, of the adversarial families.
        widths: of the decoder's hidden layers; the encoder's in reverse.
        discriminator_widths: of its hidden layers.
        classifier_steps: training of the classifier that judges the samples.
    """

    def mnist(split: str):
        source = tfds_source("mnist", split=split, data_dir=data_dir)
        return check_images(in_memory(source, fields=("image", "label")))

    adversarial, encodes = family in ("gan", "bigan"), family != "gan"
    r1 = Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), r1_weight)
    schedule = optax.cosine_decay_schedule(learning_rate, steps, alpha=0.1)
    adam = optax.adam(schedule, b1=0.5 if adversarial else 0.9)
    own = {
        "gan": dict(
            discriminator=MLPDiscriminator(discriminator_widths),
            loss=losses.non_saturating(),
            show_fn=against_grey,
        ),
        "bigan": dict(
            discriminator=PairDiscriminator(discriminator_widths),
            loss=losses.swapped(losses.non_saturating()),
            show_fn=grey_pairs,
        ),
    }.get(
        family,
        dict(
            discriminator=Absent(),
            loss=losses.none(),
            show_fn=variational,
            latent_fn=variational_latents(code_samples),
            generator_terms=evidence_bound(),
        ),
    )
    game = Game(
        generator=MLPAutoencoder(
            (28, 28, 1),
            code_size,
            widths,
            statistics=1 if adversarial else 2,
            output_fn=None,
            activation_fn=nn.tanh,
        ),
        generator_optimizer=adam,
        discriminator_optimizer=adam,
        latent_size=code_size,
        discriminator_terms={"r1": r1} if adversarial else {},
        **own,
    )
    evaluators = {"quality": partial(quality, classifier_steps=classifier_steps)}
    if encodes:
        evaluators |= {
            "reconstructions": reconstructions,
            "codes": partial(
                nearest_neighbor,
                code_fn=code,
                description="the code of a grey image",
                references={"pixels": real},
            ),
        }
    if not adversarial:
        evaluators["evidence"] = partial(
            evidence,
            posterior_fn=posterior,
            log_likelihood_fn=log_likelihood,
            samples=bound_samples,
            description="pixels drawn as 0 or 1 once, the same for every run",
        )
    return Experiment(
        game=game,
        data=Data(
            source_fn=partial(mnist, split),
            held_out_fn=partial(mnist, held_out_split),
            prepare_fn=grey_and_binary,
        ),
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        draw_fn=sampled,
        artefacts_fn=with_reconstructions if encodes else samples_alone,
        evaluators=evaluators,
        log_every_steps=min(100, steps),
        sample_every_steps=max(1, steps // 4),
        save_every_steps=max(1, steps // 8),
    )


if __name__ == "__main__":
    main(
        experiment,
        tiny=dict(
            split="train[:64]",
            held_out_split="test[:64]",
            steps=6,
            batch_size=8,
            code_size=4,
            bound_samples=25,
            widths=(16, 8),
            discriminator_widths=(16, 8),
            classifier_steps=4,
        ),
    )
