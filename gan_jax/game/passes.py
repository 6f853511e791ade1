"""Calls of a network, of any of its methods, within one pass."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
from flax.errors import ScopeCollectionNotFound, ScopeParamNotFoundError
from jax.extend.core import get_opaque_trace_state

from gan_jax.context import Named

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

    Running statistics go from call to call. ``network_fn(*args, method=None)`` calls a method of
    the module, ``__call__`` without a name, with ``train=`` where the method takes it.

    Args:
        module: the network.
        variables: of the network, with ``params``.
        key: of all its random streams, whatever their names (``make_rng``); None where it draws
            nothing.
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
    # dataclasses add __replace__ from Python 3.13 on
    own = sorted(set(dir(type(module))) - set(dir(nn.Module)) - fields - {"setup", "__replace__"})
    return [name for name in own if callable(getattr(type(module), name))]
