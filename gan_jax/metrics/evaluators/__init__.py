"""Evaluators: functions of a sampler that measure what a game makes, with their protocols."""

from gan_jax.metrics.evaluators.evaluator import Evaluator, Figure, Measured
from gan_jax.metrics.evaluators.rows import by_row, of_rows

__all__ = ["Evaluator", "Figure", "Measured", "by_row", "of_rows"]
