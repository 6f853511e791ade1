"""Digits that move: a narrow MoCoGAN on moving MNIST, with a judge of frames and a judge of clips.

    python experiments/sequences/moving_mnist.py --data-dir DIR                 # a folder that holds mnist/3.0.1
    python experiments/sequences/moving_mnist.py --data-dir DIR --judges clip   # one judge instead of two
    python -m gan_jax sample runs/moving_mnist --condition 7 --out sevens.gif

A clip is made of one image of MNIST when it is looked at: at half its size, it moves on a straight line through
32x32 pixels and bounces off the borders. MoCoGAN (Tulyakov et al. 2018, arXiv 1707.04993) draws what is shown once
a clip, and how it moves frame by frame. What is not the paper's: narrow networks that are told the digit, 8 frames,
clips judged by convolutions with R1 (Mescheder et al. 2018, arXiv 1801.04406) and without batch norm. Not measured
yet.
"""

from functools import partial
from pathlib import Path
from typing import Literal

import optax
from flax.linen.initializers import he_normal

from gan_jax import losses, penalties
from gan_jax.data import Data, in_memory, tfds_source
from gan_jax.data.images import check_images
from gan_jax.data.moving import moving_digit
from gan_jax.drawing.clips import clip_artefacts
from gan_jax.drawing.compose import clip_grid
from gan_jax.game import Game, Term
from gan_jax.metrics.evaluators.clips import clips
from gan_jax.metrics.networks.clips import of_clips, of_frames
from gan_jax.models.dcgan import DCGANDiscriminator, DCGANGenerator
from gan_jax.models.judges import Judges
from gan_jax.models.mocogan import (
    ClipDiscriminator,
    MoCoGANGenerator,
    clip_and_frame,
    content_and_motion,
)
from gan_jax.training import Experiment, main

FRAMES, SIZE = 8, 32


def experiment(
    *,
    data_dir: Path | None = None,
    split: str = "train",
    held_out_split: str = "test",
    judges: Literal["both", "clip", "frame"] = "both",
    speed: tuple[float, float] = (1.0, 2.5),
    seed: int = 0,
    steps: int = 3000,
    batch_size: int = 16,
    content_size: int = 32,
    motion_size: int = 8,
    learning_rate: float = 1e-3,
    r1_weight: float = 0.1,
    generator_widths: tuple[int, ...] = (64, 32, 16),
    frame_widths: tuple[int, ...] = (16, 32, 64),
    clip_widths: tuple[int, ...] = (16, 32, 64),
    num_samples: int = 1000,
    classifier_steps: int = 1000,
) -> Experiment:
    """A MoCoGAN of one moving digit.

    Args:
        data_dir: a folder of prepared TFDS data sets; TFDS's own default without it.
        split: of MNIST, such as train or train[:10000].
        held_out_split: that is never trained on; its labels are what is asked for.
        judges: who looks: at single frames, at whole clips, or both.
        speed: pixels a frame, between these two; beyond 2.5 a digit may bounce twice in a clip.
        seed: of everything that is drawn.
        steps: rounds of one update for each player.
        batch_size: clips per update.
        content_size: numbers that say what is shown, beside the label.
        motion_size: numbers that each frame adds to the motion.
        learning_rate: of both players' Adam; it falls to a tenth along a cosine.
        r1_weight: gamma of R1, of each judge.
        generator_widths: channels before each transposed convolution, from 4x4.
        frame_widths: channels of the judge of frames after each convolution.
        clip_widths: likewise of the judge of clips.
        num_samples: clips that are measured.
        classifier_steps: training of each of the two classifiers that measure.
    """

    def mnist(split: str):
        source = tfds_source("mnist", split=split, data_dir=data_dir)
        return check_images(in_memory(source, fields=("image", "label")))

    schedule = optax.cosine_decay_schedule(learning_rate, steps, alpha=0.1)
    adam = optax.adam(schedule, b1=0.5, b2=0.99)
    shared = dict(kernel_size=4, kernel_init=he_normal())
    looking = {
        "clip": ClipDiscriminator(clip_widths, num_classes=10, **shared),
        "frame": DCGANDiscriminator(frame_widths, num_classes=10, **shared),
    }
    names = tuple(looking) if judges == "both" else (judges,)
    game = Game(
        generator=MoCoGANGenerator(
            DCGANGenerator((SIZE, SIZE, 1), generator_widths, **shared), num_classes=10
        ),
        discriminator=Judges({name: looking[name] for name in names}),
        loss=losses.non_saturating(),
        generator_optimizer=adam,
        discriminator_optimizer=adam,
        latent_size=content_size,
        latent_fn=content_and_motion(frames=FRAMES, motion_size=motion_size),
        show_fn=clip_and_frame(names),
        discriminator_terms={
            "r1": Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), r1_weight)
        },
    )
    networks = dict(
        frames_fn=partial(of_frames, steps=classifier_steps),
        clips_fn=partial(of_clips, steps=classifier_steps),
    )
    return Experiment(
        game=game,
        data=Data(
            source_fn=partial(mnist, split),
            held_out_fn=partial(mnist, held_out_split),
            prepare_fn=moving_digit(frames=FRAMES, size=SIZE, speed=speed),
        ),
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        artefacts_fn=clip_artefacts(),
        file_fn=lambda clip: clip_grid(clip[None]),
        evaluators={"clips": partial(clips, num_samples=num_samples, **networks)},
        evaluate_every_steps=500,
        best_metric="clips/frechet",
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
            generator_widths=(8, 8, 4),
            frame_widths=(4, 4, 8),
            clip_widths=(4, 4, 8),
            classifier_steps=4,
        ),
    )
