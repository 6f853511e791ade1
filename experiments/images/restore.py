"""Ten ways to spoil an image, one network that undoes each, and what the adversarial loss adds.

    python experiments/images/restore.py --data-dir DIR --task noise                # a folder that holds cifar10/3.0.2
    python experiments/images/restore.py --data-dir DIR --task x4 --no-adversarial  # the same network with L1 only
    python experiments/images/restore.py --data-dir DIR --task color --l1-weight 0  # with the adversarial loss only
    python experiments/images/restore.py --data-dir DIR --task blur --dataset mnist
    python -m gan_jax evaluate runs/restore --only slow                      # beside BM3D: pip install 'gan-jax[bm3d]'

A U-Net is given the spoiled image, the input. It minimises L1 to the truth plus the loss of a discriminator that
looks at patches, beside the input (pix2pix: Isola et al. 2017, arXiv 1611.07004). Every figure stands beside those of
the input itself and of classical methods, which the same evaluator measures, and of the same network without the
discriminator: an adversarial row without that one proves nothing.

What the tasks are: noise and noise_50, normal noise of 25 and 50 levels; salt_and_pepper, a tenth of the pixels black
or white; impulses, a tenth of any color; blur, a Gaussian window of 1.5 pixels and a little noise; x2 and x4, sides of
a half and a quarter, by means of boxes; hole, the middle quarter is missing; color, lightness only; cast, a wrong lamp.

Which loss is better depends on the question (Blau and Michaeli 2018, arXiv 1711.06077). Measured for x4 (seed 0, 2,000
steps, 2,000 test images): L1 alone has 22.26 dB and a Frechet distance of 5.1, with the adversarial loss it is 21.16 dB
and 1.2; Lanczos has 21.48 dB and 10.6, real images 0.3. A classifier knows 50, 56, 44 and 62 % of them. The other
tasks are not measured yet.
"""

import dataclasses
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Literal

import optax

from gan_jax import losses, penalties
from gan_jax.data import Data, in_memory, tfds_source
from gan_jax.data.degrade import hole_mask
from gan_jax.data.images import check_images
from gan_jax.data.restoration import TASKS, restoration
from gan_jax.drawing.sampler import real
from gan_jax.game import Game, Term
from gan_jax.metrics.classical import methods_of
from gan_jax.metrics.evaluators import Evaluator
from gan_jax.metrics.evaluators.asked import asked_class
from gan_jax.metrics.evaluators.colors import colors
from gan_jax.metrics.evaluators.images import of_classifier, quality
from gan_jax.metrics.evaluators.paired import paired
from gan_jax.models.absent import Absent
from gan_jax.models.paired import l1, of_input, restored
from gan_jax.models.paired import paired as shown_in_pairs
from gan_jax.models.patch import PatchDiscriminator
from gan_jax.models.unet import UNet
from gan_jax.training import Experiment, main

TaskName = Literal[
    "noise", "noise_50", "salt_and_pepper", "impulses", "blur", "x2", "x4", "hole", "color", "cast"
]


def asked_for(slow: dict, data: Data) -> Evaluator:
    """BM3D, and the run itself on the same 200 images: measured by the command evaluate alone."""
    return dataclasses.replace(paired(data, references=slow, num_samples=200), when="asked")


def evaluators_of(
    task: TaskName, shape: tuple[int, int, int], num_samples: int, classifier_steps: int
) -> dict:
    """PSNR and its kin, the classifier's accuracy and Frechet distance, each of the classical methods too."""
    classical = methods_of(task)

    def measured_too(make_fn, data: Data) -> Evaluator:
        """An evaluator of images by a classifier, whose references are those of restoration."""
        return dataclasses.replace(make_fn(data), references={"real": real, **inputs, **classical})

    same_size = TASKS[task].scale == 1 and TASKS[task].channels is None
    inputs = {"input": lambda players, keys, rows: rows["input"]} if same_size else {}
    of_class = partial(
        asked_class,
        asked_fn=itemgetter("label"),
        network_fn=partial(of_classifier, steps=classifier_steps),
        num_samples=num_samples,
    )
    of_quality = partial(quality, num_samples=num_samples, classifier_steps=classifier_steps)
    slow = {name: fn for name, fn in methods_of(task, slow=True).items() if name not in classical}
    found = {
        "paired": partial(paired, references=classical, num_samples=num_samples),
        "slow": partial(asked_for, slow),
        "recognized": partial(measured_too, of_class),
        "quality": partial(measured_too, of_quality),
    }
    if task == "color":
        found["colors"] = partial(colors, references=classical, num_samples=num_samples)
    if task == "hole":
        inside = hole_mask(shape).nonzero()
        part = tuple(slice(int(side.min()), int(side.max()) + 1) for side in inside[:2])
        found["hole"] = partial(paired, references=classical, num_samples=num_samples, part=part)
    return found


def experiment(
    *,
    data_dir: Path | None = None,
    task: TaskName = "noise",
    dataset: Literal["cifar10", "mnist"] = "cifar10",
    split: str = "train",
    held_out_split: str = "test",
    adversarial: bool = True,
    l1_weight: float = 10.0,
    seed: int = 0,
    steps: int = 3000,
    batch_size: int = 32,
    learning_rate: float = 1e-3,
    discriminator_learning_rate: float = 5e-4,
    r1_weight: float = 0.001,
    widths: tuple[int, ...] = (48, 96),
    discriminator_widths: tuple[int, ...] = (32, 64),
    num_samples: int = 2000,
    classifier_steps: int = 2000,
) -> Experiment:
    """A U-Net that undoes what a task does, with a discriminator of patches or without.

    Args:
        data_dir: a folder of prepared TFDS data sets; TFDS's own default without it.
        task: what is undone.
        dataset: cifar10 or mnist.
        split: of the data set, such as train or train[:10000].
        held_out_split: that is never trained on.
        adversarial: whether there is a discriminator.
        l1_weight: of the distance to the truth, beside an adversarial loss of weight 1.
        seed: of everything that is drawn.
        steps: rounds of one update for each player.
        batch_size: images per update.
        learning_rate: of the generator's Adam; it falls to a hundredth along a cosine.
        discriminator_learning_rate: likewise of the discriminator's.
        r1_weight: gamma of R1, on real images beside their inputs; the logits of an image's 64 patches
            are summed before their gradient is taken, so it is small.
        widths: channels of the U-Net's levels, from half size down.
        discriminator_widths: channels after each convolution; two make patches of 14x14 pixels.
        num_samples: held-out images that are measured.
        classifier_steps: training of the classifier that measures.
    """
    shape = (32, 32, 3) if dataset == "cifar10" else (28, 28, 1)
    if shape[2] == 1 and task in ("color", "cast"):
        raise ValueError(f"task {task} needs color images: take --dataset cifar10, not {dataset}")
    undone = TASKS[task]
    image_fn = restored(undone.finish_fn)

    def images(split: str):
        source = tfds_source(dataset, split=split, data_dir=data_dir)
        return check_images(in_memory(source, fields=("image", "label")))

    falling = partial(optax.cosine_decay_schedule, decay_steps=steps, alpha=0.01)
    r1 = Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), r1_weight)
    game = Game(
        generator=UNet(
            undone.channels or shape[2],
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
            source_fn=lambda: images(split),
            held_out_fn=lambda: images(held_out_split),
            prepare_fn=restoration(undone.degrade_fn),
        ),
        draw_fn=of_input(image_fn),
        image_fn=None if task == "hole" else image_fn,  # the middle of what?
        steps=steps,
        batch_size=batch_size,
        seed=seed,
        evaluators=evaluators_of(task, shape, num_samples, classifier_steps),
        evaluate_every_steps=1000,
        best_metric="paired/psnr",
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
            widths=(4, 8),
            discriminator_widths=(4, 8),
            num_samples=32,
            classifier_steps=4,
        ),
    )
