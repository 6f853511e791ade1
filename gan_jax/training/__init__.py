"""The host side of a run: experiments and their command line, the loop, devices, checkpoints, logs."""

from gan_jax.training.command_line import main
from gan_jax.training.experiment import Experiment

__all__ = ["Experiment", "main"]
