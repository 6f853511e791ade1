"""What a run draws, as programs of their own: weights and drawing in StableHLO, for any number of rows."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.data.dataset import BLOCK
from gan_jax.drawing.exported import by_path
from gan_jax.drawing.players import Tree, players_of
from gan_jax.game import GANState, draw_latents
from gan_jax.game.keys import named, run_keys
from gan_jax.training.experiment import Experiment, samplers_of

PLATFORMS = ("cpu", "cuda", "tpu")


class Programs:
    """The two programs of an exported generator, of one seed of a run.

    Args:
        experiment: of the one seed.
        state: of the same; running statistics that are taken anew are those of seed 0.
        given: rows that the run draws from.
        ema: the generator's moving average; else its live weights.

    Attributes:
        weights: of the generator, by collection and path.
        fields: rows that the drawing reads, by path (``condition``, ``condition/digit``): NumPy.
    """

    def __init__(self, experiment: Experiment, state: GANState, given: Any, *, ema: bool):
        self._game, self._draw_fn, self._ema = experiment.game, experiment.draw_fn, ema
        key = _drawing_key(jax.random.key(0))
        self._state = samplers_of(experiment, given).settled(jax.device_put(state), key, ema=ema)
        self.weights = self._state.ema if ema else self._state.generator.all_variables
        options = {
            name: np.full(1, value, np.float32) for name, value in experiment.draw_options.items()
        }
        self.fields = {p: np.asarray(a) for p, a in by_path({**options, **given})}
        latents = jax.eval_shape(self._latents, np.uint32(0), np.uint32(0))
        self._tree = jax.tree.structure(
            jax.eval_shape(lambda: draw_latents(self._game, jax.random.key(0), BLOCK))
        )
        self._shapes = latents
        self.fields = self._used()

    def generator(self) -> bytes:
        """``(latents, key, rows) -> samples``; the number of rows is open, or 240 where drawing computes with it."""
        return bytes(self._exported(self.fields).serialize())

    def latents(self) -> bytes:
        """``(seed, block) -> (latents, key)`` of a block of 240 rows."""
        scalar = jax.ShapeDtypeStruct((), np.uint32)
        return bytes(_export(self._latents)(scalar, scalar).serialize())

    def _latents(self, seed: jax.Array, block: jax.Array) -> tuple[tuple, jax.Array]:
        key = jax.random.fold_in(_drawing_key(jax.random.key(seed)), block)
        latents_key, own_key = jax.random.split(key)
        leaves = jax.tree.leaves(draw_latents(self._game, latents_key, BLOCK))
        return tuple(leaves), jax.random.key_data(own_key)

    def _draw(self, leaves: tuple, key: jax.Array, rows: Mapping[str, jax.Array]) -> Tree:
        latents = jax.tree.unflatten(self._tree, leaves)
        players = players_of(
            self._game, self._state, ema=self._ema, key=jax.random.wrap_key_data(key)
        )
        return _plain(self._draw_fn(players, latents, nested(rows)))

    def _used(self) -> dict[str, np.ndarray]:
        """The fields without those that drawing does not read."""
        leaves, key = self._shapes
        few = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct((2, *leaf.shape[1:]), leaf.dtype), leaves
        )
        rows = {name: np.resize(leaf, (2, *leaf.shape[1:])) for name, leaf in self.fields.items()}
        traced = jax.make_jaxpr(self._draw)(few, key, rows).jaxpr
        read = {id(v) for equation in traced.eqns for v in equation.invars}
        read |= {id(v) for v in traced.outvars}
        inputs = traced.invars[len(leaves) + 1 :]  # in the order of names, as of a dict
        names = sorted(self.fields)
        used = {n: self.fields[n] for n, v in zip(names, inputs, strict=True) if id(v) in read}
        try:
            self._exported(used)
        except KeyError:  # it asks for a field, and does nothing with it
            return self.fields
        return used

    def _exported(self, fields: Mapping[str, np.ndarray]) -> Any:
        leaves, key = self._shapes

        def exported(rows: Any) -> Any:
            shapes = jax.tree.map(
                lambda leaf: jax.ShapeDtypeStruct((rows, *leaf.shape[1:]), leaf.dtype),
                (leaves, dict(fields)),
            )
            return _export(self._draw)(shapes[0], key, shapes[1])

        try:
            return exported(*jax.export.symbolic_shape("rows"))
        except (jax.core.InconclusiveDimensionOperation, TypeError):
            return exported(BLOCK)  # it computes with the number of rows: a block, as runs draw


def _export(function: Callable) -> Callable:
    return jax.export.export(jax.jit(function), platforms=PLATFORMS)


def _drawing_key(root_key: jax.Array) -> jax.Array:
    """The stream of a user's seed, as of :func:`gan_jax.training.saved.sampler_of`."""
    return named(run_keys(root_key).drawing, "user")


def _plain(tree: Any) -> Any:
    """Named tuples as dicts: an exported program knows no classes."""
    if hasattr(tree, "_asdict"):
        tree = tree._asdict()
    if isinstance(tree, Mapping):
        return {name: _plain(value) for name, value in tree.items()}
    return tuple(map(_plain, tree)) if isinstance(tree, tuple | list) else jnp.asarray(tree)


def nested(rows: Mapping[str, Any]) -> dict[str, Any]:
    """Dicts of dicts from fields by path, the inverse of :func:`gan_jax.drawing.exported.by_path`.

    Args:
        rows: ``{"condition/digit": ...}``.
    """
    tree: dict[str, Any] = {}
    for path, value in rows.items():
        *parents, last = path.split("/")
        place = tree
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return tree
