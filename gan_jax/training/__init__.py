"""The host side of a run: experiments and their command line, the loop, devices, checkpoints, logs."""

from gan_jax.training.command_line import main
from gan_jax.training.experiment import Experiment
from gan_jax.training.notebook import train
from gan_jax.training.run import Run, open_run

__all__ = ["Experiment", "Run", "main", "open_run", "train"]
