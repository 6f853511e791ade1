"""The laws of two networks that are to play against each other."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from functools import cache, partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.game.passes import first_pass, one_pass
from gan_jax.testing.law import Law, expect, expect_close, leaves_by_path


class Trained(NamedTuple):
    """What one pass in training mode gives.

    Attributes:
        outputs: of the network.
        gradients: of a random weighting of the outputs, with respect to the parameters.
        before: the variables that are no parameters.
        after: the same after the pass.
    """

    outputs: Any
    gradients: Any
    before: Any
    after: Any


class Player(NamedTuple):
    """A network with an input for it, and its passes, each compiled once for all laws."""

    name: str
    args_fn: Callable[[], tuple]
    variables_fn: Callable[[], Any]
    train_fn: Callable[[], Trained]
    evaluate_fn: Callable[[], Callable[..., Any]]


def model_laws(
    generator: nn.Module,
    discriminator: nn.Module,
    latents: Any,
    condition: Any = None,
    *,
    couples_rows: Sequence[str] = (),
    without_gradient: Sequence[str] = (),
) -> list[Law]:
    """The laws of a generator and a discriminator, for each of the two.

    Parameters and results are float32, one row per example; every parameter has a gradient; running
    statistics are written in training, and only there; evaluation draws nothing and judges each row
    by itself.

    Args:
        generator: called ``(latents, *, train)``, or ``(latents, condition, *, train)``.
        discriminator: likewise of samples, which are the generator's.
        latents: a tree of rows ``[B, ...]`` with B at least 3.
        condition: a tree of rows, or None.
        couples_rows: the players, ``"generator"`` or ``"discriminator"``, that look across rows in
            evaluation too (minibatch standard deviation).
        without_gradient: patterns of parameters that need no gradient, such as
            ``"discriminator/*/bias"`` before a normalisation.
    """
    given = () if condition is None else (condition,)
    makers = _player("generator", generator, cache(lambda: (latents, *given)))
    samples = cache(lambda: jax.tree.map(np.asarray, makers.train_fn().outputs))
    judges = _player("discriminator", discriminator, cache(lambda: (samples(), *given)))
    return [
        *_laws(makers, _check_samples, couples_rows, without_gradient),
        *_laws(judges, _check_logits, couples_rows, without_gradient),
    ]


def _laws(
    player: Player, check_outputs: Callable, couples: Sequence[str], without: Sequence[str]
) -> list[Law]:
    checks = {
        "float32, and one row per example": partial(_shapes, player, check_outputs),
        "every parameter has a gradient": partial(_gradients, player, without),
        "running statistics are written in training": partial(_written, player),
        "evaluation draws nothing and writes nothing": partial(_evaluates, player),
    }
    if player.name not in couples:
        checks["evaluation judges rows apart"] = partial(_apart, player)
    return [Law(f"{player.name}: {name}", check) for name, check in checks.items()]


def _player(name: str, module: nn.Module, args_fn: Callable[[], tuple]) -> Player:
    @cache
    def variables_fn():
        init = jax.jit(lambda args: first_pass(module, jax.random.key(0), lambda f: f(*args))[1])
        variables = dict(init(args_fn()))
        # away from zeros, behind which nothing has a gradient yet
        return variables | {"params": _shaken(variables.get("params", {}))}

    @cache
    def train_fn():
        return jax.jit(partial(_train, module))(variables_fn(), args_fn())

    @cache
    def evaluate_fn():
        return jax.jit(lambda variables, args: module.apply(variables, *args, train=False))

    return Player(name, args_fn, variables_fn, train_fn, evaluate_fn)


def _shaken(params: Any) -> Any:
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda p: p + (0.1 * rng.normal(size=p.shape)).astype(p.dtype), params)


def _train(module: nn.Module, variables: Any, args: tuple) -> Trained:
    before = {name: tree for name, tree in variables.items() if name != "params"}

    def weighted(params):
        outputs, after, _ = one_pass(
            module, {"params": params, **before}, jax.random.key(1), lambda f: f(*args)
        )
        total = sum(_weighted_sum(leaf, i) for i, leaf in enumerate(jax.tree.leaves(outputs)))
        return total, (outputs, after)

    gradients, (outputs, after) = jax.grad(weighted, has_aux=True)(variables["params"])
    return Trained(outputs, gradients, before, after)


def _weighted_sum(leaf: jax.Array, index: int) -> jax.Array:
    """With weights that are all different: the plain sum of what is normalised has no slope."""
    return leaf.ravel() @ np.cos(np.arange(leaf.size) + index, dtype=np.float32)


def _rows(player: Player) -> int:
    return len(jax.tree.leaves(player.args_fn())[0])


def _shapes(player: Player, check_outputs: Callable) -> None:
    for name, leaf in leaves_by_path(player.variables_fn()["params"]).items():
        expect(
            leaf.dtype == jnp.float32,
            f"{player.name}/{name} is {leaf.dtype}: parameters are float32, whatever computes",
        )
    for leaf in jax.tree.leaves(player.train_fn().outputs):
        expect(leaf.dtype == jnp.float32, f"the {player.name} gives {leaf.dtype}, not float32")
        check_outputs(leaf.shape, _rows(player))


def _check_samples(shape: tuple[int, ...], rows: int) -> None:
    good = len(shape) > 0 and shape[0] == rows
    expect(good, f"the generator gives {shape} for {rows} rows: one sample per latent")


def _check_logits(shape: tuple[int, ...], rows: int) -> None:
    good = shape[:1] == (rows,) and len(shape) != 2
    expect(
        good,
        f"the discriminator gives {shape} for {rows} rows: one logit per example [{rows}] or "
        f"patches [{rows}, h, w]; end it with logits[:, 0]",
    )


def _gradients(player: Player, without: Sequence[str]) -> None:
    check_gradients(player.name, player.train_fn().gradients, without)


def check_gradients(player: str, gradients: Any, without: Sequence[str]) -> None:
    """Refuses parameters of a player whose gradient is 0, but for rounding, or not finite.

    Args:
        player: its name.
        gradients: of its parameters, or their largest absolute values.
        without: patterns of ``player/path`` that need none.

    Raises:
        AssertionError: a parameter has none.
    """
    sizes = {
        f"{player}/{name}": float(np.abs(leaf).max())
        for name, leaf in leaves_by_path(gradients).items()
    }
    wrong = {
        name: size
        for name, size in sizes.items()
        if not (np.isfinite(size) and size > 1e-6 * max(sizes.values()))
        and not any(fnmatch(name, pattern) for pattern in without)
    }
    told = ", ".join(f"{name} ({size:.2g})" for name, size in wrong.items())
    expect(
        not wrong,
        f"without a gradient: {told}; of a bias before a normalisation, or the last one of a loss "
        "that a common shift leaves, claim without_gradient=(...); else it is not used, or stopped",
    )


def _written(player: Player) -> None:
    trained = player.train_fn()
    before, after = leaves_by_path(trained.before), leaves_by_path(trained.after)
    expect(
        before.keys() == after.keys() and all(before[n].shape == after[n].shape for n in before),
        f"a pass of the {player.name} turns the variables {sorted(before)} into {sorted(after)}",
    )
    for name, leaf in after.items():
        expect(np.isfinite(leaf), f"{player.name}/{name} is {leaf} after a pass")
    same = [name for name, leaf in after.items() if np.array_equal(leaf, before[name])]
    expect(
        len(same) < len(after) or not after,
        f"a pass of the {player.name} with train=True writes none of {same}",
    )


def _evaluates(player: Player) -> None:
    outputs = player.evaluate_fn()(player.variables_fn(), player.args_fn())
    for leaf in jax.tree.leaves(outputs):
        expect(np.isfinite(leaf), f"the {player.name} gives {leaf} in evaluation")


def _apart(player: Player) -> None:
    """The first row keeps its place, and all the others become the last one."""
    args, rows = player.args_fn(), _rows(player)
    order = np.array([0, *([rows - 1] * (rows - 1))])
    other = jax.tree.map(lambda leaf: jnp.asarray(leaf)[order], args)
    evaluate, variables = player.evaluate_fn(), player.variables_fn()
    pairs = zip(
        jax.tree.leaves(evaluate(variables, other)),
        jax.tree.leaves(evaluate(variables, args)),
        strict=True,
    )
    look = (
        f"what the {player.name} gives for the first row when the other rows are others: batch "
        "statistics in evaluation, or the wrong axis; claim couples_rows where it must"
    )
    for got, expected in pairs:
        expect_close(got[0], expected[0], look, rtol=1e-4, atol=1e-5)
