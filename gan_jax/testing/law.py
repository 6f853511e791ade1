"""What a law is, and how it says that it fell."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

Check = Callable[..., None]


class Fell(AssertionError):
    """What does not hold, in words that need no traceback."""


class Law(NamedTuple):
    """A check with a name; ``str(law)`` is the name, ``law()`` runs the check.

    Attributes:
        name: what must hold, in a few words.
        check_fn: raises where it does not.
    """

    name: str
    check_fn: Callable[[], None]

    def __call__(self) -> None:
        """Runs the check.

        Raises:
            AssertionError: the law fell, or what it looked at could not be computed.
        """
        __tracebackhide__ = True  # pytest shows the line that called the law
        try:
            self.check_fn()
        except Exception as error:
            kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
            example = [note for note in getattr(error, "__notes__", []) if "check(" in note]
            lines = [f"the law {self.name!r} fell: {kind}{error}", *example]
            cause = None if isinstance(error, Fell) else error
            raise AssertionError("\n".join(lines)) from cause

    def __str__(self) -> str:
        return self.name


def claimed(laws: list[tuple[str, Check | None]]) -> list[Law]:
    """The laws of those checks that are not None: a claim that was not made is no law."""
    return [Law(name, check_fn) for name, check_fn in laws if check_fn is not None]


def for_all(check_fn: Check, **strategies: Any) -> None:
    """Runs a check on the examples of Hypothesis; the smallest that fails is told with the error.

    Args:
        check_fn: called with one example of each strategy, by name.
        strategies: name -> strategy.
    """
    hypothesis = hypothesis_library()

    @hypothesis.settings(
        deadline=None,  # the first example compiles
        database=None,
        # to explain which lines of code matter takes seconds, and they are those of JAX
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
        report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(**strategies)
    def check(**example: Any) -> None:
        check_fn(**example)

    check()


def hypothesis_library() -> Any:
    """The library that draws the examples.

    Raises:
        ImportError: it is not installed.
    """
    try:
        import hypothesis
        import hypothesis.strategies
    except ImportError as error:
        raise ImportError(
            "the laws draw their examples with Hypothesis, which is not installed: "
            "pip install 'gan-jax[test]', or pip install hypothesis"
        ) from error
    return hypothesis


def vectors(low: float, high: float, size: int) -> Any:
    """A strategy of float32 vectors within bounds."""
    strategies = hypothesis_library().strategies
    low, high = np.float32([low, high]).tolist()
    numbers = strategies.floats(low, high, width=32)
    return strategies.lists(numbers, min_size=size, max_size=size).map(np.float32)


def expect(holds: Any, message: str) -> None:
    """Refuses what does not hold, in words; of an array, what does not hold everywhere.

    Raises:
        AssertionError: it does not.
    """
    if not np.all(holds):
        raise Fell(message)


def expect_close(got: Any, expected: Any, message: str, *, rtol=1e-5, atol=1e-6) -> None:
    """Refuses values that are not (nearly) the expected ones.

    Args:
        got: an array.
        expected: an array of the same shape, or a number.
        message: what was compared, and where to look.
        rtol: relative tolerance.
        atol: absolute tolerance.

    Raises:
        AssertionError: they differ in shape or value.
    """
    got, expected = np.asarray(got), np.asarray(expected)
    same_shape = got.shape == expected.shape or expected.ndim == 0
    close = same_shape and np.allclose(got, expected, rtol=rtol, atol=atol)
    expect(close, f"{message}; got {_short(got)}, expected {_short(expected)}")


def leaves_by_path(tree: Any) -> dict[str, Any]:
    """``{"Dense_0/kernel": leaf, ...}``."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in leaves}


def _short(value: np.ndarray) -> str:
    text = np.array2string(value, precision=6, threshold=20, separator=", ")
    return f"{text} of shape {value.shape}" if value.ndim else text
