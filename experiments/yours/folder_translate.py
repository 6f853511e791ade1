"""From the images of one folder to those of another, without pairs: CycleGAN or CUT on two folders of your own.

    python experiments/yours/folder_translate.py --a HORSES --b ZEBRAS
    python experiments/yours/folder_translate.py --a HORSES --b ZEBRAS --method cut      # one translator, no way back
    python -m gan_jax sample RUN --condition PHOTOGRAPHS --out TRANSLATED                # each at its own size

The games are those of experiments/images/translate.py, whose figures tell what can be expected of them: a translator
of neighbourhoods changes colors and textures, not shapes. A tenth of each folder is never trained on. The translated
images are measured beside held-out images of b, by a network that learned to tell turned images of b apart. Measured
on no folder yet.
"""

import dataclasses
from functools import cache, partial
from pathlib import Path
from typing import Literal

import optax

from gan_jax import losses, penalties
from gan_jax.data import Data, FolderSource, in_memory
from gan_jax.data.images import check_images
from gan_jax.drawing.artefacts import Picture
from gan_jax.drawing.compose import image_rows
from gan_jax.game import Game, Term
from gan_jax.metrics.evaluators import Evaluator
from gan_jax.metrics.evaluators.own_features import features_of, own_features
from gan_jax.metrics.evaluators.translated import into_b, there, there_and_back
from gan_jax.models.contrastive import (
    LAYERS,
    ContrastiveTranslator,
    contrasted,
    patch_nce,
    places,
)
from gan_jax.models.cycle import cycle, identity, pool, pool_draws, translated
from gan_jax.models.patch import PatchDiscriminator
from gan_jax.models.translators import OneJudgeEach, Translator, TwoWays
from gan_jax.training import Experiment, main


def beside_their_inputs(sampler) -> dict[str, Picture]:
    """Images of a, translated, and real ones of b."""
    drawn = sampler.draw()
    columns = {
        "a": drawn.rows["a"]["real"],
        "into b": drawn.samples["b"],
        "real b": drawn.rows["b"]["real"],
    }
    return {"samples": image_rows({name: images[:10] for name, images in columns.items()})}


def experiment(
    *,
    a: Path,
    b: Path,
    method: Literal["cyclegan", "cut"] = "cyclegan",
    size: int = 64,
    background: str = "white",
    held_out_share: float = 0.1,
    seed: int = 0,
    steps: int = 5000,
    batch_size: int = 4,
    learning_rate: float = 2e-4,
    r1_weight: float = 0.0005,
    widths: tuple[int, ...] = (16, 32, 64),
    residual_blocks: int = 3,
    discriminator_widths: tuple[int, ...] = (32, 64),
    feature_steps: int = 500,
) -> Experiment:
    """Translation from the images of one folder to those of another.

    Args:
        a: a folder of images, searched with its subfolders.
        b: the folder of what they become.
        method: cyclegan or cut.
        size: of the squares that images are cropped and resized to.
        background: the color on which transparent images are laid.
        held_out_share: of each folder, never trained on.
        seed: of everything that is drawn.
        steps: rounds of one update for each player.
        batch_size: images of each folder per update.
        learning_rate: of both players' Adam.
        r1_weight: gamma of R1, of each judge; the logits of an image's 256 patches are summed before
            their gradient is taken, so it is small.
        widths: channels of the translators, from full size down.
        residual_blocks: on the smallest map.
        discriminator_widths: channels after each convolution; two make patches of 14x14 pixels.
        feature_steps: training of the network that measures.
    """

    @cache
    def images(folder: Path):
        return check_images(in_memory(FolderSource(folder, size=size, background=background)))

    data_b = Data(source_fn=lambda: images(b), held_out_share=held_out_share)
    draw_fn = there_and_back if method == "cyclegan" else there

    def of_b(data: Data) -> Evaluator:
        """The quality of translations into b."""
        return dataclasses.replace(
            own_features(data_b, network_fn=partial(features_of, steps=feature_steps)),
            draw_fn=lambda players, latents, rows: into_b(players, rows["a"]["real"]),
            references={
                "real": lambda players, keys, rows: rows["b"]["real"],
                "untranslated": lambda players, keys, rows: rows["a"]["real"],
            },
        )

    adam = optax.adam(learning_rate, b1=0.5)
    translator = partial(Translator, 3, widths, residual_blocks)
    judge = partial(PatchDiscriminator, discriminator_widths)
    if method == "cut":
        parts = dict(
            generator=ContrastiveTranslator(translator()),
            discriminator=judge(),
            latent_fn=places(len(LAYERS)),
            show_fn=contrasted,
            generator_terms=patch_nce("there") | patch_nce("same"),
        )
    else:
        parts = dict(
            generator=TwoWays(translator(), translator()),
            discriminator=OneJudgeEach({"a": judge(), "b": judge()}),
            latent_fn=pool_draws(),
            show_fn=translated,
            generator_terms=cycle() | identity(),
            memory=pool(),
        )
    r1 = Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), r1_weight)
    game = Game(
        loss=losses.least_squares(),
        generator_optimizer=adam,
        discriminator_optimizer=adam,
        latent_size=1,
        discriminator_terms={"r1": r1},
        **parts,
    )
    return Experiment(
        game=game,
        data=Data(
            source_fn=lambda: {"a": images(a), "b": images(b)}, held_out_share=held_out_share
        ),
        draw_fn=draw_fn,
        image_fn=into_b,
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        artefacts_fn=beside_their_inputs,
        evaluators={"quality": of_b},
        evaluate_every_steps=500,
        log_every_steps=50,
        sample_every_steps=250,
        save_every_steps=250,
    )


if __name__ == "__main__":
    main(
        experiment,
        tiny=dict(
            size=16,
            steps=4,
            batch_size=4,
            widths=(4, 8),
            residual_blocks=1,
            discriminator_widths=(4, 8),
            feature_steps=4,
        ),
    )
