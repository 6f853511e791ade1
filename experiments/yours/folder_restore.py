"""A network that restores images like those in a folder of your own.

    python experiments/yours/folder_restore.py --data-dir IMAGES --task blur
    python experiments/yours/folder_restore.py --data-dir IMAGES --task x2 --no-adversarial
    python -m gan_jax sample RUN --condition PHOTOGRAPHS --out RESTORED      # each at its own size, under its name

The images of the folder are what a good image is; the task spoils them while training. The tasks and the game are those
of experiments/images/restore.py: a U-Net with L1 and a discriminator of patches. The network looks at neighbourhoods
only, so images of any size can be restored by it. A tenth of the images is never trained on, and measured.

Squares of --size pixels are cut from the middle of each image. Transparent images are laid on --background.
"""

from functools import partial
from pathlib import Path
from typing import Literal

import optax

from gan_jax import losses, penalties
from gan_jax.data import Data, FolderSource, in_memory
from gan_jax.data.images import check_images
from gan_jax.data.restoration import TASKS, restoration
from gan_jax.game import Game, Term
from gan_jax.metrics.classical import methods_of
from gan_jax.metrics.evaluators.paired import paired
from gan_jax.models.absent import Absent
from gan_jax.models.paired import l1, of_input, restored
from gan_jax.models.paired import paired as shown_in_pairs
from gan_jax.models.patch import PatchDiscriminator
from gan_jax.models.unet import UNet
from gan_jax.training import Experiment, main


def experiment(
    *,
    data_dir: Path,
    task: Literal[
        "noise", "noise_50", "salt_and_pepper", "impulses", "blur", "x2", "x4", "color", "cast"
    ],
    size: int = 64,
    channels: Literal[1, 3] = 3,
    background: str = "white",
    adversarial: bool = True,
    l1_weight: float = 10.0,
    held_out_share: float = 0.1,
    seed: int = 0,
    steps: int = 3000,
    batch_size: int = 8,
    learning_rate: float = 1e-3,
    discriminator_learning_rate: float = 5e-4,
    r1_weight: float = 0.0003,
    widths: tuple[int, ...] = (48, 96),
    discriminator_widths: tuple[int, ...] = (32, 64),
) -> Experiment:
    """A U-Net that undoes what a task does to images of a folder.

    Args:
        data_dir: searched for image files with its subfolders.
        task: what is undone.
        size: of the squares that are trained on.
        channels: 1 (grey) or 3 (color).
        background: the color on which transparent images are laid.
        adversarial: whether there is a discriminator.
        l1_weight: of the distance to the truth, beside an adversarial loss of weight 1.
        held_out_share: of the images, never trained on.
        seed: of everything that is drawn.
        steps: rounds of one update for each player.
        batch_size: images per update.
        learning_rate: of the generator's Adam; it falls to a hundredth along a cosine.
        discriminator_learning_rate: likewise of the discriminator's.
        r1_weight: gamma of R1, on real images beside their inputs; the logits of an image's 256 patches
            are summed before their gradient is taken, so it is small.
        widths: channels of the U-Net's levels, from half size down.
        discriminator_widths: channels after each convolution.
    """
    undone = TASKS[task]
    image_fn = restored(undone.finish_fn)

    def images():
        return check_images(
            in_memory(FolderSource(data_dir, size=size, channels=channels, background=background))
        )

    falling = partial(optax.cosine_decay_schedule, decay_steps=steps, alpha=0.01)
    r1 = Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), r1_weight)
    game = Game(
        generator=UNet(
            undone.channels or channels,
            widths,
            scale=undone.scale,
            block=2,  # FFDNet's, for speed
            residual=undone.residual,
        ),
        discriminator=PatchDiscriminator(discriminator_widths) if adversarial else Absent(),
        loss=losses.non_saturating() if adversarial else losses.none(),
        generator_optimizer=optax.adam(falling(learning_rate), b1=0.5, b2=0.99),
        discriminator_optimizer=optax.adam(falling(discriminator_learning_rate), b1=0.5, b2=0.99),
        latent_size=1,
        show_fn=shown_in_pairs(undone.finish_fn),
        generator_terms=l1(l1_weight),
        discriminator_terms={"r1": r1} if adversarial else {},
    )
    return Experiment(
        game=game,
        data=Data(
            source_fn=images,
            held_out_share=held_out_share,
            prepare_fn=restoration(undone.degrade_fn),
        ),
        draw_fn=of_input(image_fn),
        image_fn=image_fn,
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        evaluators={"paired": partial(paired, references=methods_of(task))},
        evaluate_every_steps=500,
        best_metric="paired/psnr",
        log_every_steps=50,
        sample_every_steps=500,
        save_every_steps=500,
    )


if __name__ == "__main__":
    main(
        experiment,
        tiny=dict(
            task="noise",
            size=16,
            steps=4,
            batch_size=4,
            widths=(4, 8),
            discriminator_widths=(4, 8),
        ),
    )
