"""Calls of a network, of any of its methods, within one pass."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.errors import ScopeCollectionNotFound, ScopeParamNotFoundError
from jax.extend.core import get_opaque_trace_state

from gan_jax.context import Named, Shown, Turn
from gan_jax.game.game import Game

Variables = Mapping[str, Any]
NetworkFn = Callable[..., Any]  # (*args, method=None) -> outputs


def one_pass(
    module: nn.Module,
    variables: Variables,
    key: jax.Array | None,
    calls_fn: Callable[[NetworkFn], Any],
    *,
    train: bool = True,
) -> tuple[Any, Variables, Variables]:
    """``calls_fn(network_fn)`` within one ``module.apply``.

    Running statistics go from call to call. ``network_fn(*args, method=None)`` calls a method of the module,
    ``__call__`` without a name, with ``train=`` where the method takes it.

    Args:
        module: the network.
        variables: of the network, with ``params``.
        key: of all its random streams, whatever their names (``make_rng``); None where it draws nothing.
        calls_fn: ``network_fn -> outputs``.
        train: the mode of the calls; in evaluation nothing is written.

    Returns:
        The outputs, the variables but ``params`` after the pass, and what was sown.
    """
    running = [name for name in variables if name != "params"]
    try:
        outputs, written = module.apply(
            variables,
            method=lambda bound: calls_fn(
                _network_fn(bound, train, writes=train and bool(running))
            ),
            mutable=[*(running if train else []), "intermediates"],
            # flax answers every stream that has no key of its own from this one
            rngs={} if key is None else {"params": key},
        )
    except (ScopeParamNotFoundError, ScopeCollectionNotFound) as error:
        raise ValueError(
            f"a call of {type(module).__name__} finds no parameters: what only a term calls must be called in show_fn "
            f"too (of a discriminator: in __call__), to be initialised. {error}"
        ) from error
    sown = written.pop("intermediates", {})
    return outputs, written, sown


def first_pass(
    module: nn.Module, key: jax.Array, calls_fn: Callable[[NetworkFn], Any]
) -> tuple[Any, dict[str, Any]]:
    """As :func:`one_pass`, to initialise the methods that are called: the outputs, and all variables."""
    params_key, own_key = jax.random.split(key)
    outputs, variables = module.init_with_output(
        {"params": params_key, "dropout": own_key},
        method=lambda bound: calls_fn(_network_fn(bound, train=True, writes=False)),
    )
    return outputs, dict(variables)


def turn_of(step: jax.Array, player: str, memory: Mapping[str, Any]) -> Turn:
    """A turn, whose memory says what it holds when it is asked for something else."""
    message = "the game has no memory {name}, it has {names}: Game(memory={{name: Memory(...)}})"
    return Turn(step, player, Named(memory, message))


def show(
    game: Game, generator_fn: NetworkFn, latents: Any, batch: Mapping[str, Any], turn: Turn
) -> Shown:
    """What the game puts before its discriminator, checked.

    Raises:
        TypeError: ``show_fn`` returned something else.
        ValueError: it asked for what the batch does not hold, or the two sides do not fit each other.
    """
    asked = Named(
        batch,
        "show_fn asks the batch for {name}, which holds {names}: give the data's fields the names that the game uses, by "
        "pixels_to_real(batch) or an experiment's prepare_fn",
    )
    shown = game.show_fn(generator_fn, latents, asked, turn)
    if not isinstance(shown, Shown):
        raise TypeError(f"show_fn must return Shown(real, fake, ...), got {type(shown).__name__}")
    if not isinstance(shown.extras, Mapping):
        raise TypeError(f"extras of Shown must be a dict, got {type(shown.extras).__name__}")
    _check_sides(shown)
    _check_rows("condition", shown.condition, shown.real)
    _check_rows("fake_condition", shown.fake_condition, shown.fake)
    if game.memory:  # which is shown them, for the global batch
        _check_rows("extras", shown.extras, None)
    return shown._replace(
        extras=Named(shown.extras, "show_fn gives no extras {name}, it gives {names}")
    )


def augmented(game: Game, key: jax.Array, raw: Any, condition: Any, turn: Turn) -> Any:
    """Samples as the discriminator sees them.

    Raises:
        ValueError: there is a condition, and the augmentation changed the number of rows.
    """
    samples = game.augment_fn(key, raw, turn)
    before, after = (len(jax.tree.leaves(tree)[0]) for tree in (raw, samples))
    if after != before and condition is not None:
        raise ValueError(
            f"augment_fn makes {after} rows of {before} that have a condition: packing joins samples of "
            "different conditions, and is for players without a condition"
        )
    return samples


def by_name(sown: Variables, side: str) -> Named:
    """What was sown, by name: all modules' values in one tuple, in the order of the modules."""
    found: dict[str, tuple] = {}

    def collect(tree: Mapping[str, Any]) -> None:
        for name, value in tree.items():
            if isinstance(value, Mapping):
                collect(value)
            else:
                found[name] = found.get(name, ()) + tuple(value)

    collect(sown)
    return Named(
        found,
        f"of the {side} side the discriminator sows no {{name}}, it sows {{names}}: "
        "self.sow('intermediates', name, value) in its __call__",
    )


def _network_fn(bound: nn.Module, train: bool, *, writes: bool) -> NetworkFn:
    """Calls of a module within one pass."""
    outside = get_opaque_trace_state(convention="flax")

    def network_fn(*args: Any, method: str | None = None, **options: Any) -> Any:
        function = _method(bound, method or "__call__")
        if _takes_train(function):
            options["train"] = train
        wrapped = get_opaque_trace_state(convention="flax") != outside
        if not wrapped:
            return function(*args, **options)
        known = len(jax.tree.leaves(bound.variables))
        outputs = function(*args, **options)
        if writes or len(jax.tree.leaves(bound.variables)) != known:
            raise ValueError(
                f"a call of {type(bound).__name__}, which writes variables, is wrapped in a transformation of JAX (vjp, "
                "grad, scan, checkpoint, vmap): in show_fn, call it plainly, and differentiate in a term with "
                "context.generator_fn, which writes nothing; or use Flax's own nn.vjp, nn.scan inside the module"
            )
        return outputs

    return network_fn


def _method(bound: nn.Module, name: str) -> Callable:
    function = getattr(bound, name, None)
    if function is None:
        advice = (
            ": say which with generator_fn(..., method=...), in show_fn and in draw_fn"
            if name == "__call__"
            else ""
        )
        raise ValueError(
            f"{type(bound).__name__} has no method {name!r}, it has {', '.join(_methods(bound))}{advice}"
        )
    return function


def _takes_train(function: Callable) -> bool:
    parameters = inspect.signature(function).parameters.values()
    return any(p.name == "train" or p.kind is p.VAR_KEYWORD for p in parameters)


def _methods(module: nn.Module) -> list[str]:
    fields = {field.name for field in dataclasses.fields(module)}
    own = sorted(set(dir(type(module))) - set(dir(nn.Module)) - fields - {"setup"})
    return [name for name in own if callable(getattr(type(module), name))]


def _check_rows(what: str, tree: Any, samples: Any) -> None:
    """Refuses what is no tree of rows, or of other rows than the samples."""
    sizes = [len(leaf) for leaf in jax.tree.leaves(samples)[:1]]
    for path, leaf in _leaves(tree):
        shape = jnp.shape(leaf)
        if not shape or (sizes and shape[0] != sizes[0]):
            rows = f"{sizes[0]} rows" if sizes else "rows"
            raise ValueError(
                f"{what}{path} of Shown must have {rows}, got shape {shape}: one value for all rows is "
                "jnp.full(num, value)"
            )


def _check_sides(shown: Shown) -> None:
    """Refuses two sides that would be broadcast into nonsense, or that the loss cannot compare."""
    if jax.tree.structure(shown.real) != jax.tree.structure(shown.fake):
        raise ValueError(
            "show_fn must show real and fake of one structure, got real: "
            f"{_layout(shown.real)}; fake: {_layout(shown.fake)}"
        )
    sides = zip(_leaves(shown.real), _leaves(shown.fake), strict=True)
    for (path, real), (_, fake) in sides:
        if not (jnp.ndim(real) and jnp.ndim(fake)):
            raise ValueError(
                f"real{path} and fake{path} of Shown must be arrays of rows, got {real!r} and {fake!r}"
            )
        if real.dtype != fake.dtype:
            raise TypeError(
                f"real{path} is {real.dtype} and fake{path} is {fake.dtype}: both must be floating point, or of "
                "one dtype; scale pixels to [-1, 1] as pixels / 127.5 - 1"
            )
        if real.shape[1:] != fake.shape[1:]:
            raise ValueError(
                f"fake{path} is {fake.shape[1:]} and real{path} is {real.shape[1:]}, rows apart: both sides must have "
                "one shape; a generator of images is given that of the data, (height, width, channels)"
            )


def _leaves(tree: Any) -> list[tuple[str, Any]]:
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return [(jax.tree_util.keystr(path), leaf) for path, leaf in leaves]


def _layout(tree: Any) -> str:
    return ", ".join(
        f"{path or 'an array'} {leaf.dtype}{list(leaf.shape)}" for path, leaf in _leaves(tree)
    )
