"""The progress of a run: a bar on a terminal or in a notebook, elsewhere a line now and then; or nothing."""

import contextlib
import datetime
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from tqdm.auto import tqdm
from tqdm.notebook import tqdm_notebook

_SECONDS = 30.0  # at least, between two lines where no bar is shown


class Progress:
    """Shows how far a run has come.

    Args:
        first_step: rounds already played.
        steps: rounds in all.
        quiet: shows no progress; warnings are printed all the same.
    """

    def __init__(self, first_step: int, steps: int, *, quiet: bool = False):
        # None: no bar where the output is no terminal. A notebook's is none either, and shows bars.
        hidden = True if quiet else False if issubclass(tqdm, tqdm_notebook) else None
        options = dict(unit="step", smoothing=0.1, disable=hidden)
        self._bar = tqdm(initial=first_step, total=steps, **options)
        self._steps, self._next_line = steps, time.monotonic() if not quiet else float("inf")
        self._first_shown: tuple[int, float] | None = None  # step and time: compiling came before

    def advance(self, steps: int) -> None:
        """Moves the bar."""
        self._bar.update(steps)

    def show(self, step: int, values: Mapping[str, str]) -> None:
        """Shows values beside the bar; without a bar, prints a line with the time left if the last one is old enough.

        Args:
            step: rounds played.
            values: name -> what is printed.
        """
        if not self._bar.disable:
            self._bar.set_postfix(values)
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _SECONDS
            shown = "".join(f", {name} {value}" for name, value in values.items())
            print(f"step {step:,} of {self._steps:,}{shown}{self._left(step)}", flush=True)

    def _left(self, step: int) -> str:
        """The time that the rest takes at the rate since the first line, which has none."""
        now = time.monotonic()
        if self._first_shown is None:
            self._first_shown = step, now
        first, then = self._first_shown
        if step <= first:
            return ""
        seconds = round((self._steps - step) * (now - then) / (step - first))
        return f", {datetime.timedelta(seconds=seconds)} left"

    def warn(self, sentence: str) -> None:
        """Prints a warning above the bar."""
        tqdm.write(f"warning: {sentence}")

    def close(self) -> None:
        """Ends the bar."""
        self._bar.close()


@contextlib.contextmanager
def telling(what: str, *, after_seconds: float = 10.0) -> Iterator[None]:
    """Says what is going on where it takes long, and how long it took; nothing where it is soon over.

    Args:
        what: such as "compiling the step".
        after_seconds: when it is said.
    """
    began = time.perf_counter()
    line = f"{what}: it may take minutes, and nothing else is printed meanwhile"
    timer = threading.Timer(after_seconds, tqdm.write, [line])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if (seconds := time.perf_counter() - began) >= after_seconds:
        tqdm.write(f"{what} took {seconds:.0f} s")


ProgressFn = Callable[[int, int], Progress]  # first step and steps -> what shows it
