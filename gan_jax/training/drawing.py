"""Samples for pictures and figures."""

import copy
from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.game import GANState, draw_latents, generate
from gan_jax.game.sampling import interpolate, update_statistics
from gan_jax.training.experiment import Experiment
from gan_jax.training.pictures import LogitsFn

_DIVISIBLE = 840  # by every pack size up to 8
_STANDING = 64  # latents in a pass for standing statistics


class Drawer:
    """Draws samples for pictures and figures: always from the same latents.

    Args:
        experiment: for its game, its key and its conditions.
        seed: for other latents than those of the run's own pictures.
    """

    def __init__(self, experiment: Experiment, seed: int | None = None):
        self._experiment = experiment
        key = experiment.members[0].root_key if seed is None else jax.random.key(seed)
        self._key = jax.random.fold_in(key, 2)
        self._generate = jax.jit(partial(generate, experiment.game))
        self._update_statistics = jax.jit(partial(update_statistics, experiment.game))

    def members(self) -> list["Drawer"]:
        """A drawer for each seed of the experiment; they share what is compiled."""
        drawers = []
        for member in self._experiment.members:
            drawer = copy.copy(self)
            drawer._key = jax.random.fold_in(member.root_key, 2)
            drawers.append(drawer)
        return drawers

    def conditions(self, num: int) -> Any:
        """The conditions of the samples of :meth:`draw`; None where there are none."""
        return self._conditions(jax.random.split(self._key)[1], num)

    def _conditions(self, key: jax.Array, num: int) -> Any:
        condition_fn = self._experiment.condition_fn
        return None if condition_fn is None else condition_fn(key, num)

    def draw(self, variables: Any, num: int, *, batch_size: int = 250) -> np.ndarray:
        """``[num, ...]`` samples with a generator's variables, drawn in batches."""
        return np.concatenate(list(self.batches(variables, num, batch_size=batch_size)))

    def batches(self, variables: Any, num: int, *, batch_size: int = 250) -> Iterator[np.ndarray]:
        """The samples of :meth:`draw`, at most ``batch_size`` at a time."""
        variables = self._settled(variables)
        latents = draw_latents(self._experiment.game, jax.random.split(self._key)[0], num)
        condition = self.conditions(num)
        size = min(num, batch_size)
        for start in range(0, num, size):
            # the last batch is filled up with rows of the one before: one shape, one compilation
            rows = slice(min(start, num - size), min(start, num - size) + size)
            part = self._generate(
                variables, latents[rows], None if condition is None else condition[rows]
            )
            yield np.asarray(part)[start - rows.start :]

    def interpolation(self, variables: Any, *, rows: int = 5, columns: int = 9) -> np.ndarray:
        """``[rows * columns, ...]`` samples of latents on the way from one to another, row by row."""
        variables = self._settled(variables)
        latents_key, condition_key = jax.random.split(jax.random.fold_in(self._key, 1))
        ends = draw_latents(self._experiment.game, latents_key, 2 * rows)
        latents = interpolate(ends[:rows], ends[rows:], columns)
        condition = self._conditions(condition_key, rows)
        condition = None if condition is None else jnp.repeat(condition, columns, 0)
        return np.asarray(self._generate(variables, latents.reshape(rows * columns, -1), condition))

    def _settled(self, variables: Any) -> Any:
        """With running statistics of its own, in as many passes as the experiment asks for."""
        for index in range(self._experiment.standing_passes):
            latents_key, condition_key = jax.random.split(jax.random.fold_in(self._key, index))
            latents = draw_latents(self._experiment.game, latents_key, _STANDING)
            condition = self._conditions(condition_key, _STANDING)
            variables = self._update_statistics(variables, latents, condition)
        return variables

    def logits_fn(self, state: GANState) -> LogitsFn:
        """What a discriminator says of samples (and their conditions), in evaluation mode, as it sees them.

        With packing, which is for players without conditions, of packs of copies.
        """
        game, key = self._experiment.game, jax.random.key(0)
        discriminator = state.discriminator.all_variables

        def logits_fn(samples: np.ndarray, condition: Any = None) -> np.ndarray:
            many = jax.ShapeDtypeStruct((_DIVISIBLE, *samples.shape[1:]), samples.dtype)
            packs = jax.eval_shape(game.augment_fn, key, many, state.step).shape[0]
            copies = np.repeat(samples, _DIVISIBLE // packs, axis=0)
            shown = game.augment_fn(key, jnp.asarray(copies), state.step)
            logits = game.discriminator.apply(discriminator, shown, condition, train=False)
            return np.asarray(logits)

        return logits_fn
