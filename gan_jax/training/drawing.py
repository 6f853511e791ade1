"""Samples for pictures and figures."""

from functools import partial
from typing import Any

import jax
import numpy as np

from gan_jax.game import draw_latents, generate
from gan_jax.training.experiment import Experiment


class Drawer:
    """Draws samples for pictures and figures: always from the same latents.

    Args:
        experiment: for its game, its key and its conditions.
        seed: for other latents than those of the run's own pictures.
    """

    def __init__(self, experiment: Experiment, seed: int | None = None):
        self._experiment = experiment
        key = experiment.root_key if seed is None else jax.random.key(seed)
        self._key = jax.random.fold_in(key, 2)
        self._generate = jax.jit(partial(generate, experiment.game))

    def draw(self, variables: Any, num: int, *, batch_size: int = 250) -> np.ndarray:
        """``[num, ...]`` samples with a generator's variables, drawn in batches."""
        latents_key, condition_key = jax.random.split(self._key)
        latents = draw_latents(self._experiment.game, latents_key, num)
        condition = None
        if self._experiment.condition_fn is not None:
            condition = self._experiment.condition_fn(condition_key, num)
        size = min(num, batch_size)
        parts = []
        for start in range(0, num, size):
            # the last batch is filled up with rows of the one before: one shape, one compilation
            rows = slice(min(start, num - size), min(start, num - size) + size)
            part = self._generate(
                variables, latents[rows], None if condition is None else condition[rows]
            )
            parts.append(np.asarray(part)[start - rows.start :])
        return np.concatenate(parts)
