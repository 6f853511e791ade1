"""Time of functions side by side: in turns within one run, as machines differ from minute to minute."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class Times(NamedTuple):
    """Seconds of one function, a call each."""

    seconds: Sequence[float]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.seconds)


class Ratio(NamedTuple):
    """How often one function's time holds another's; by pairs of neighbouring calls.

    Attributes:
        median: of the pairs.
        low: the lower quartile.
        high: the upper quartile.
    """

    median: float
    low: float
    high: float


def interleaved(functions: Mapping[str, Callable[[], None]], *, repeats: int) -> dict[str, Times]:
    """A B A B ...: every function once, and again, after one round that is not counted.

    Args:
        functions: name -> a call that returns when its work is done.
        repeats: calls of each, at least 2.

    Raises:
        ValueError: there are too few repeats.
    """
    if repeats < 2:
        raise ValueError(f"repeats must be at least 2, got {repeats}")
    seconds = {name: [] for name in functions}
    for index in range(repeats + 1):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if index:
                seconds[name].append(time.perf_counter() - start)
    return {name: Times(found) for name, found in seconds.items()}


def ratio(above: Times, below: Times) -> Ratio:
    """``above / below`` of the pairs that were measured one after the other."""
    pairs = [a / b for a, b in zip(above.seconds, below.seconds, strict=True)]
    low, median, high = statistics.quantiles(pairs, n=4, method="inclusive")
    return Ratio(median, low, high)
