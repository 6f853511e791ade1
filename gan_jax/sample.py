"""Draws from a run: ``python -m gan_jax.sample RUN --num 64 --out grid.png``.

Its options: ``[--seed S] [--checkpoint best] [--live]``.
"""

from pathlib import Path
from typing import Annotated, Literal

import jax
import tyro

from gan_jax.training.command_line import exit_with_message
from gan_jax.training.drawing import Drawer
from gan_jax.training.experiment import Experiment, load_experiment_function
from gan_jax.training.pictures import save_picture
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.states import best_state, last_state


def sample(
    run: Annotated[Path, tyro.conf.Positional],
    /,
    *,
    num: int = 64,
    out: Path = Path("grid.png"),
    seed: int | None = None,
    checkpoint: Literal["last", "best"] = "last",
    live: bool = False,
    debug: bool = False,
) -> None:
    """Draws a grid of samples from a checkpoint of a run.

    Args:
        run: the run folder.
        num: how many samples.
        out: the PNG to write.
        seed: of the latents; without it, those of the run's own pictures.
        checkpoint: the last, or the best by the metric that was measured during training.
        live: the live generator instead of its moving average.
        debug: show the traceback of an error.
    """
    exit_with_message(lambda: _sample(run, num, out, seed, checkpoint, live), debug=debug)


def rebuild(folder: RunFolder) -> Experiment:
    """The experiment of a run, from the copy of its file and its arguments in the run folder."""
    config = folder.config()
    arguments = {name: _hashable(value) for name, value in config["arguments"].items()}
    return load_experiment_function(folder.experiment_file)(**arguments)


def _sample(run: Path, num: int, out: Path, seed: int | None, checkpoint: str, live: bool) -> None:
    if num < 1:
        raise ValueError(f"--num must be at least 1, got {num}")
    if out.suffix.lower() != ".png":
        raise ValueError(f"--out must be a .png file, got {out}")
    folder = RunFolder(run)
    experiment = rebuild(folder)
    state = (best_state if checkpoint == "best" else last_state)(folder, experiment)
    variables = state.generator.all_variables if live else state.average
    samples = Drawer(experiment, seed).draw(jax.device_put(variables), num)
    save_picture(experiment.picture_fn(samples), out)
    weights = "live weights" if live else "moving average"
    print(f"{out}: {num} samples of {folder.path}, {checkpoint} step {int(state.step)}, {weights}")


def _hashable(value):
    return tuple(map(_hashable, value)) if isinstance(value, list) else value


if __name__ == "__main__":
    tyro.cli(sample, prog="python -m gan_jax.sample")
