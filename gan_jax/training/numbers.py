"""Numbers of a command line that can mean nothing, refused by the names of their flags before anything is built."""

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

from gan_jax.game.keys import MOST_SEED

# The last words of the names of counts. Where the default is 0, a count may be 0.
_COUNTS = (
    "num",
    "size",
    "frames",
    "steps",
    "width",
    "widths",
    "channels",
    "classes",
    "blocks",
    "layers",
    "pack",
    "batches",
)


def check_numbers(function: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    """Refuses sizes below 1, learning rates that are not positive, negative weights, and seeds out of range.

    What an argument is, its name says: ``batch_size``, ``generator_widths``, ``num_examples``,
    ``learning_rate``, ``r1_weight``, ``seed``. A count, rate or weight whose default is 0 may be 0.

    Args:
        function: whose parameters have defaults.
        arguments: name -> value, as they are about to be given to it.

    Raises:
        ValueError: with the flag, what is expected and what it got.
    """
    for name, value in arguments.items():
        default = inspect.signature(function).parameters[name].default
        for number in value if isinstance(value, tuple | list) else (value,):
            if isinstance(number, int | float) and not isinstance(number, bool):
                if expected := _expected(name, number, default):
                    flag = f"--{name.replace('_', '-')}"
                    raise ValueError(f"{flag} must be {expected}, got {number}")


def _expected(name: str, number: float, default: Any) -> str | None:
    """What a number had to be; None where it may be what it is."""
    last, zero = name.rsplit("_", 1)[-1], isinstance(default, int | float) and default == 0
    if isinstance(number, float) and not math.isfinite(number):
        return "a finite number"
    if last == "seed":
        return None if 0 <= number <= MOST_SEED else f"in 0 .. {MOST_SEED}"
    if last == "rate":
        return None if number > 0 or (zero and number == 0) else "positive"
    if last in ("weight", "weights"):
        return None if number >= 0 else "0 or more"
    if isinstance(number, int) and (last in _COUNTS or name.startswith("num_")):
        least = 0 if zero else 1
        return None if number >= least else f"at least {least}"
    return None
