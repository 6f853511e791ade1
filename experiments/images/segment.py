"""Which pixel is which digit: a U-Net with few masks, and a discriminator that knows what masks are like.

    python experiments/images/segment.py --data-dir DIR                           # a folder with mnist and cifar10
    python experiments/images/segment.py --data-dir DIR --num-masks 1000
    python experiments/images/segment.py --data-dir DIR --no-adversarial          # the same U-Net by itself
    python experiments/images/segment.py --data-dir DIR --emoji IMAGES            # cut-outs of a folder of your own

Digits of MNIST in ink of any color lie on photographs of CIFAR-10: ten classes and the background. Only some of the
images have a mask. On these the U-Net minimises the cross-entropy. On all of them, masked or not, a discriminator
of patches looks at the image as the mask lets it through (Luc et al. 2016, arXiv 1611.08408; Hung et al. 2018, arXiv
1802.07934). The same network at the same steps without the discriminator is the control. Otsu's threshold knows
nothing but brightness. With --emoji the things are transparent pictures, whose opacity is an exact mask: one class.
"""

from functools import cache, partial
from pathlib import Path

import numpy as np
import optax

from gan_jax import losses, penalties
from gan_jax.data import ArraySource, Data, FolderSource, in_memory, tfds_source
from gan_jax.data.prepare import image_fields
from gan_jax.data.scenes import inked, laid_on
from gan_jax.drawing.artefacts import Picture
from gan_jax.drawing.compose import image_rows
from gan_jax.game import Game, Term
from gan_jax.metrics.evaluators.masks import masks, otsu
from gan_jax.models.absent import Absent
from gan_jax.models.patch import PatchDiscriminator
from gan_jax.models.segmenting import cross_entropy, likeliest, segmented
from gan_jax.models.unet import UNet
from gan_jax.training import Experiment, main

# of the background, and of the digits 0 to 9
COLORS = np.array(
    [[-1, -1, -1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1], [1, 1, -1], [1, -1, 1], [-1, 1, 1],
     [1, 0, -1], [-1, 0, 1], [0, 1, 0], [1, 1, 1]]
)  # fmt: skip


def masked_fields(key, example):
    """The image in [-1, 1], and its mask where the example has one."""
    fields = image_fields(key, example)
    return fields | ({"mask": example["mask"]} if "mask" in example else {})


def masks_beside_images(sampler) -> dict[str, Picture]:
    """Images, the masks that were found, and the true ones."""
    drawn = sampler.draw()
    rows = drawn.rows["labelled"]
    columns = {
        "image": rows["real"],
        "found": COLORS[np.asarray(drawn.samples)],
        "true": COLORS[np.asarray(rows["mask"])],
    }
    return {"samples": image_rows({name: images[:10] for name, images in columns.items()})}


def experiment(
    *,
    data_dir: Path | None = None,
    emoji: Path | None = None,
    num_masks: int = 100,
    split: str = "train[:20000]",
    held_out_split: str = "test[:2000]",
    adversarial: bool = True,
    adversarial_weight: float = 0.1,
    seed: int = 0,
    steps: int = 3000,
    batch_size: int = 16,
    learning_rate: float = 1e-3,
    discriminator_learning_rate: float = 2e-4,
    r1_weight: float = 0.01,
    widths: tuple[int, ...] = (32, 64, 96),
    discriminator_widths: tuple[int, ...] = (32, 64),
) -> Experiment:
    """A U-Net that finds digits, with a discriminator of masks or without.

    Args:
        data_dir: a folder of prepared TFDS data sets; TFDS's own default without it.
        emoji: a folder of transparent images, whose pictures are laid on the photographs instead.
        num_masks: of the training images, that have a mask.
        split: of both data sets, such as train or train[:10000].
        held_out_split: that is never trained on.
        adversarial: whether there is a discriminator.
        adversarial_weight: of its loss, beside a cross-entropy of weight 1.
        seed: of everything that is drawn; the scenes are the same for all seeds.
        steps: rounds of one update for each player.
        batch_size: images with a mask per update, and as many without.
        learning_rate: of the generator's Adam; it falls to a hundredth along a cosine.
        discriminator_learning_rate: likewise of the discriminator's.
        r1_weight: gamma of R1, on images under their true masks; the logits of an image's 64 patches are
            summed before their gradient is taken, so it is small.
        widths: channels of the U-Net's levels, from half size down.
        discriminator_widths: channels after each convolution.
    """

    @cache
    def scenes(split: str, seed: int) -> ArraySource:
        read = partial(tfds_source, split=split, data_dir=data_dir)
        photographs = in_memory(read("cifar10"), fields=("image",)).arrays["image"]
        if emoji is None:
            digits = in_memory(read("mnist"), fields=("image", "label")).arrays
            things, labels = inked(digits["image"], seed=seed), digits["label"]
        else:
            pictures = in_memory(FolderSource(emoji, size=24, channels=4)).arrays["image"]
            things = pictures[seed % 2 :: 2]  # one half is held out
            labels = np.zeros(len(things), np.int32)
        return laid_on(photographs, things, labels, seed=seed)

    def sources(scenes: ArraySource, num: int) -> dict[str, ArraySource]:
        """The first as ``labelled``, and all images without their masks."""
        if not 0 < num <= len(scenes):
            raise ValueError(f"num_masks must be 1 to {len(scenes)}, the images, got {num}")
        first = {name: array[:num] for name, array in scenes.arrays.items()}
        return {
            "labelled": ArraySource(first),
            "images": ArraySource({"image": scenes.arrays["image"]}),
        }

    def held_out() -> dict[str, ArraySource]:
        found = scenes(held_out_split, 1)
        return sources(found, len(found))

    classes = 11 if emoji is None else 2
    falling = partial(optax.cosine_decay_schedule, decay_steps=steps, alpha=0.01)
    r1 = Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), r1_weight)
    game = Game(
        generator=UNet(classes, widths, block=2, residual=False),
        discriminator=PatchDiscriminator(discriminator_widths) if adversarial else Absent(),
        loss=losses.non_saturating() if adversarial else losses.none(),
        generator_optimizer=optax.adam(falling(learning_rate), b1=0.5, b2=0.99),
        discriminator_optimizer=optax.adam(falling(discriminator_learning_rate), b1=0.5, b2=0.99),
        latent_size=1,
        show_fn=segmented(classes),
        generator_terms=cross_entropy(1.0 / adversarial_weight),
        discriminator_terms={"r1": r1} if adversarial else {},
    )
    return Experiment(
        game=game,
        data=Data(
            source_fn=lambda: sources(scenes(split, 0), num_masks),
            held_out_fn=held_out,
            prepare_fn=masked_fields,
        ),
        draw_fn=likeliest,
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        artefacts_fn=masks_beside_images,
        evaluators={"masks": partial(masks, classes=classes, references={"otsu": otsu()})},
        evaluate_every_steps=500,
        best_metric="masks/mean_iou",
        log_every_steps=50,
        sample_every_steps=500,
        save_every_steps=500,
    )


if __name__ == "__main__":
    main(
        experiment,
        tiny=dict(
            num_masks=8,
            split="train[:64]",
            held_out_split="test[:64]",
            steps=4,
            batch_size=4,
            widths=(4, 8),
            discriminator_widths=(4, 8),
        ),
    )
