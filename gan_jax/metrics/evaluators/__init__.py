"""Evaluators: functions of a sampler that measure what a game makes, with their protocols."""

from gan_jax.metrics.evaluators.evaluator import Evaluator, Figure, Measured

__all__ = ["Evaluator", "Figure", "Measured"]
