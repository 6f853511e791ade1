"""Measures a run: ``python -m gan_jax evaluate RUN --checkpoint best``; or one folder of images against another.

Every figure stands beside those of its references (held-out real data, the best to be had, and noise);
``figures.jsonl`` in the run folder holds each with its error and its protocol.
"""

import dataclasses
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import tyro

from gan_jax.commands.command import Checkpoint, as_command
from gan_jax.commands.folders import evaluate_folders
from gan_jax.metrics.evaluators.images import distances
from gan_jax.metrics.networks.network import inception_network
from gan_jax.metrics.networks.published_weights import published_weights
from gan_jax.training.experiment import Experiment
from gan_jax.training.figures_log import read_protocols
from gan_jax.training.figures_table import figures_table
from gan_jax.training.saved import measure

INCEPTION = "inception"
_LAST = Checkpoint()


@as_command
def evaluate(
    run: Annotated[Path | None, tyro.conf.Positional] = None,
    *,
    checkpoint: Annotated[Checkpoint, tyro.conf.OmitArgPrefixes] = _LAST,
    real: Path | None = None,
    fake: Path | None = None,
    size: int | None = None,
    only: tuple[str, ...] | None = None,
    num_samples: int | None = None,
    ema: bool = True,
    seed: int = 0,
    inception: Path | None = None,
    resize: Literal["clean", "legacy"] = "clean",
) -> None:
    """Measures a checkpoint of a run by its evaluators, or one folder of images against another.

    Args:
        run: the run folder; its figures.jsonl gets the figures.
        checkpoint: which saved state.
        real: without a run: a folder of real images,
        fake: and a folder of images that are compared with them.
        size: images of both folders are cropped and resized to a square of so many pixels; as they
            are without it.
        only: the evaluators to ask; all of the experiment's by default.
        num_samples: of a row, instead of each evaluator's own number; fewer where the data hold
            fewer.
        ema: the generator's moving average (--no-ema: its live weights).
        seed: of the latents.
        inception: measure by the Inception network too, with the weights of this file, or
            ``published``: those are downloaded on first use.
        resize: for the Inception network, that of clean-fid or of the first program.
    """

    if num_samples == 1:
        raise ValueError("--num-samples must be at least 2, got 1")
    if _are_folders(run, real, fake):
        num = {} if num_samples is None else {"num_samples": num_samples}
        options = dict(size=size, inception=inception, resize=resize, seed=seed)
        evaluate_folders(real, fake, **options, **num)
        return
    folder, experiment, state = checkpoint.open(run)
    if inception is not None:
        experiment = _with_inception(experiment, inception, resize)
    chosen = (INCEPTION,) if inception is not None and only is None else only
    lines, failed = measure(
        folder, experiment, state, chosen, seed=seed, num_samples=num_samples, ema=ema
    )
    print(figures_table(lines, read_protocols(folder.protocols_file)))
    print(f"figures  {folder.figures_file}")
    for name, error in failed.items():
        print(f"error: {name} failed ({type(error).__name__}: {error})", file=sys.stderr)
    if failed:
        sys.exit(1)


def _are_folders(run: Path | None, real: Path | None, fake: Path | None) -> bool:
    """Whether two folders are compared, and not a run measured."""
    if run is None and real is not None and fake is not None:
        return True
    if run is not None and real is None and fake is None:
        return False
    raise ValueError("name a run folder, or --real FOLDER and --fake FOLDER")


def _with_inception(experiment: Experiment, weights: Path, resize: str) -> Experiment:
    """The experiment, also measured by the Inception network."""
    file = published_weights() if weights == Path("published") else weights
    network = inception_network(file, resize=resize)
    inception = partial(distances, network_fn=lambda data: network)
    return dataclasses.replace(
        experiment, evaluators={**experiment.evaluators, INCEPTION: inception}
    )
