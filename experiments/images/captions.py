"""Words in, images out: "a red three above a blue seven", and combinations that were never seen.

    python experiments/images/captions.py --data-dir DIR                   # a folder with mnist/3.0.1 and cifar10/3.0.2
    python experiments/images/captions.py --data-dir DIR --told fields     # the control: told digit, color and place
    python -m gan_jax sample RUN --condition "a green two left of a red nine"

Scenes of one or two digits of MNIST in one of five colors, on black or on a dark photograph of CIFAR-10, with
captions of a small grammar: synonyms, several orders. Both players read the caption by a recurrent network of their
own. The discriminator is matching-aware (Reed et al. 2016, arXiv 1605.05396): a real image with the caption of
another one is a fake to it. A tenth of the combinations of digit, color and place is held out.

Measured: nothing yet. `--tiny` shows that it runs.
"""

from functools import cache, partial
from pathlib import Path
from typing import Literal

import jax
import jax.numpy as jnp
import optax
from flax.linen.initializers import he_normal

from gan_jax import losses, penalties
from gan_jax.data import ArraySource, Data, in_memory, tfds_source
from gan_jax.data.arrays import joined
from gan_jax.data.captions import COLORS, DIGITS, LAYOUTS, VARIANTS, VOCABULARY, scenes
from gan_jax.data.prepare import image_fields
from gan_jax.drawing.artefacts import Picture, Text
from gan_jax.drawing.compose import beside
from gan_jax.drawing.pictures import image_grid
from gan_jax.game import Game, Term
from gan_jax.metrics.evaluators.captioned import captioned
from gan_jax.models.captions import (
    FieldsEncoder,
    TalkedGenerator,
    TalkedHead,
    WordEncoder,
    mismatched,
)
from gan_jax.models.dcgan import DCGANDiscriminator, DCGANGenerator
from gan_jax.training import Experiment, main

Told = Literal["words", "fields"]


def told_fields(told: Told, key: jax.Array, example: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """One of the captions as the condition, or what it means, one number for each digit, color and layout."""
    fields = {name: example[name] for name in ("layout", "digits", "colors")}
    if told == "words":
        condition = example["captions"][jax.random.randint(key, (), 0, VARIANTS)]
    else:
        # of a second digit that is not there: zeros
        parts = [
            jax.nn.one_hot(fields["layout"], len(LAYOUTS)),
            jax.nn.one_hot(fields["digits"], len(DIGITS)).ravel(),
            jax.nn.one_hot(fields["colors"], len(COLORS)).ravel(),
        ]
        condition = jnp.concatenate(parts)
    return image_fields(key, example) | fields | {"condition": condition}


def with_captions(sampler) -> dict[str, Picture | Text]:
    """Samples beside real images of the same captions, and the captions."""
    drawn = sampler.draw()
    shown = {
        "samples": beside(generated=image_grid(drawn.samples), real=image_grid(drawn.rows["real"]))
    }
    condition = drawn.rows["condition"]
    if condition.dtype.kind == "i":
        lines = [" ".join(VOCABULARY[word] for word in row if word) for row in condition]
        shown["captions"] = Text("\n".join(lines) + "\n")
    return shown


def experiment(
    *,
    data_dir: Path | None = None,
    told: Told = "words",
    split: str = "train",
    held_out_split: str = "test",
    num_scenes: int = 50_000,
    num_held_out: int = 2000,
    on_photographs: bool = True,
    seed: int = 0,
    steps: int = 6000,
    batch_size: int = 64,
    latent_size: int = 32,
    learning_rate: float = 1e-3,
    r1_weight: float = 0.1,
    mismatched_weight: float = 1.0,
    encoder_width: int = 64,
    generator_widths: tuple[int, ...] = (128, 64, 32),
    discriminator_widths: tuple[int, ...] = (32, 64, 128),
    classifier_steps: int = 1500,
) -> Experiment:
    """A DCGAN that is told a caption.

    Args:
        data_dir: a folder of prepared TFDS data sets; TFDS's own default without it.
        told: words, or fields: digit, color and layout themselves.
        split: of both data sets.
        held_out_split: of digits and photographs that are never trained on.
        num_scenes: that are trained on.
        num_held_out: half of seen combinations, half of those that are held out.
        on_photographs: whether half of the scenes lie on photographs.
        seed: of everything that is drawn; the scenes are the same for all seeds.
        steps: rounds of one update for each player.
        batch_size: scenes per update.
        latent_size: numbers that the generator starts from, beside the caption.
        learning_rate: of both players' Adam; it falls to a tenth along a cosine.
        r1_weight: gamma of R1, on real images with their captions.
        mismatched_weight: of real images with others' captions.
        encoder_width: of words and of what a caption becomes.
        generator_widths: channels before each transposed convolution, from 4x4.
        discriminator_widths: channels after each convolution.
        classifier_steps: training of each of the three classifiers that look.
    """

    @cache
    def made(split: str, num: int, combinations: str, seed: int) -> ArraySource:
        read = partial(tfds_source, split=split, data_dir=data_dir)
        mnist = in_memory(read("mnist"), fields=("image", "label")).arrays
        photographs = None
        if on_photographs:
            photographs = in_memory(read("cifar10"), fields=("image",)).arrays["image"]
        options = dict(num=num, combinations=combinations, seed=seed)
        return scenes(mnist["image"], mnist["label"], photographs, **options)

    def held_out() -> ArraySource:
        half = num_held_out // 2
        return joined(*(made(held_out_split, half, part, 1) for part in ("seen", "held out")))

    def encoder():
        if told == "words":
            return WordEncoder(len(VOCABULARY), encoder_width)
        return FieldsEncoder(encoder_width)

    schedule = optax.cosine_decay_schedule(learning_rate, steps, alpha=0.1)
    adam = optax.adam(schedule, b1=0.5, b2=0.99)
    players = dict(kernel_size=4, kernel_init=he_normal())
    r1 = Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), r1_weight)
    game = Game(
        generator=TalkedGenerator(
            DCGANGenerator((32, 32, 3), generator_widths, **players), encoder()
        ),
        discriminator=DCGANDiscriminator(
            discriminator_widths, head_fn=partial(TalkedHead, encoder_fn=encoder), **players
        ),
        loss=losses.non_saturating(),
        generator_optimizer=adam,
        discriminator_optimizer=adam,
        latent_size=latent_size,
        discriminator_terms={"r1": r1} | mismatched(mismatched_weight),
    )
    all_scenes = partial(made, split, min(num_scenes, 20_000), "all", 2)
    return Experiment(
        game=game,
        data=Data(
            source_fn=lambda: made(split, num_scenes, "seen", 0),
            held_out_fn=held_out,
            prepare_fn=partial(told_fields, told),
        ),
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        artefacts_fn=with_captions,
        evaluators={
            "captions": partial(captioned, scenes_fn=all_scenes, classifier_steps=classifier_steps)
        },
        evaluate_every_steps=1000,
        best_metric="captions/digit",
        log_every_steps=50,
        sample_every_steps=500,
        save_every_steps=500,
    )


if __name__ == "__main__":
    main(
        experiment,
        tiny=dict(
            split="train[:500]",
            held_out_split="test[:500]",
            num_scenes=64,
            num_held_out=32,
            steps=4,
            batch_size=8,
            encoder_width=8,
            generator_widths=(8, 4),
            discriminator_widths=(4, 8),
            classifier_steps=4,
        ),
    )
