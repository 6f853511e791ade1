"""Draws from a run: ``python -m gan_jax sample RUN --num 64 --out grid.png``.

Its options: ``[--seed S] [--checkpoint best|last|STEP] [--live] [--of-seed S]``.
"""

from pathlib import Path
from typing import Annotated

import jax
import tyro

from gan_jax.drawing.pictures import check_picture_request, save_picture
from gan_jax.training.command_line import exit_with_message
from gan_jax.training.drawing import Drawer
from gan_jax.training.experiment import rebuild
from gan_jax.training.given import load_given
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.states import CheckpointName, member_of_seed, state_at, step_of


def sample(
    run: Annotated[Path, tyro.conf.Positional],
    /,
    *,
    num: int = 64,
    out: Path = Path("grid.png"),
    seed: int | None = None,
    checkpoint: CheckpointName = "last",
    live: bool = False,
    of_seed: int | None = None,
    debug: bool = False,
) -> None:
    """Draws a grid of samples from a checkpoint of a run.

    Args:
        run: the run folder.
        num: how many samples.
        out: the PNG to write.
        seed: of the latents; without it, those of the run's own pictures.
        checkpoint: last, best (by the metric that was measured during training), or the number of a
            step.
        live: the live generator instead of its moving average.
        of_seed: which of a run of several seeds; without it, the first.
        debug: show the traceback of an error.
    """
    exit_with_message(lambda: _sample(run, num, out, seed, checkpoint, live, of_seed), debug=debug)


def _sample(
    run: Path,
    num: int,
    out: Path,
    seed: int | None,
    checkpoint: CheckpointName,
    live: bool,
    of_seed: int | None,
) -> None:
    check_picture_request(num, out)
    folder = RunFolder(run)
    experiment = rebuild(folder)
    state = state_at(folder, experiment, checkpoint)
    index, member = member_of_seed(state, experiment, of_seed)
    drawer = Drawer(experiment.members[index], load_given(folder.given_file), seed=seed)
    samples = drawer.draw(jax.device_put(member), num, ema=not live)
    save_picture(experiment.picture_fn(samples, drawer.logits_fn(member)), out)
    weights = "live weights" if live else "moving average"
    print(f"{out}: {num} samples of {folder.path}, {checkpoint} step {step_of(state)}, {weights}")
