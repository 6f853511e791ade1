"""The progress of a run: a bar on a terminal or in a notebook, elsewhere a line now and then."""

import time
from collections.abc import Mapping

from tqdm.auto import tqdm
from tqdm.notebook import tqdm_notebook

_SECONDS = 30.0  # at least, between two lines where no bar is shown


class Progress:
    """Shows how far a run has come.

    Args:
        first_step: rounds already played.
        steps: rounds in all.
    """

    def __init__(self, first_step: int, steps: int):
        # None: no bar where the output is no terminal. A notebook's is none either, and shows bars.
        hidden = False if issubclass(tqdm, tqdm_notebook) else None
        options = dict(unit="step", smoothing=0.1, disable=hidden)
        self._bar = tqdm(initial=first_step, total=steps, **options)
        self._steps, self._next_line = steps, time.monotonic()

    def advance(self, steps: int) -> None:
        """Moves the bar."""
        self._bar.update(steps)

    def show(self, step: int, values: Mapping[str, str]) -> None:
        """Shows values beside the bar; without a bar, prints a line if the last one is old enough.

        Args:
            step: rounds played.
            values: name -> what is printed.
        """
        if not self._bar.disable:
            self._bar.set_postfix(values)
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _SECONDS
            shown = "".join(f", {name} {value}" for name, value in values.items())
            print(f"step {step:,} of {self._steps:,}{shown}", flush=True)

    def warn(self, sentence: str) -> None:
        """Prints a warning above the bar."""
        tqdm.write(f"warning: {sentence}")

    def close(self) -> None:
        """Ends the bar."""
        self._bar.close()
