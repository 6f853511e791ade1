"""What a run reports while it trains: ``metrics.jsonl``, progress, artefacts, and its loggers."""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from gan_jax.drawing.artefacts import Artefact, write_artefact
from gan_jax.training.figures_log import is_after
from gan_jax.training.json_files import drop_lines, read_lines
from gan_jax.training.loggers import Loggers
from gan_jax.training.progress import Progress, telling
from gan_jax.training.run_folder import RunFolder


class RunLog:
    """The log of one run, from a step on; lines of later steps (of a killed run) are dropped.

    Args:
        folder: of the run.
        progress: shows how far it has come.
        loggers: take what it reports.
        first_step: rounds already played.
        batch_size: examples of one round, for the rate.
    """

    def __init__(
        self,
        folder: RunFolder,
        progress: Progress,
        loggers: Loggers,
        *,
        first_step: int,
        batch_size: int,
    ):
        self._folder, self._batch_size = folder, batch_size
        self._progress, self._loggers = progress, loggers
        # of a run that has saved nothing, nothing counts: it begins anew
        drop_lines(folder.metrics_file, is_after(first_step or -1))
        self._lines = folder.metrics_file.open("a")
        self._clock, self._clock_step, self._waited = time.perf_counter(), first_step, 0.0
        before = [line.get("seconds", 0.0) for line in read_metrics(folder.metrics_file)]
        self._seconds = max(before, default=0.0)  # of training, over all resumes

    def advance(self, steps: int) -> None:
        """Moves the progress bar."""
        self._progress.advance(steps)

    def compiling(self) -> AbstractContextManager[None]:
        """A context for the first call of the device: says that the step is compiled where that takes long."""
        return telling("compiling the step")

    def waited(self, seconds: float) -> None:
        """For data, while the devices had nothing to do."""
        self._waited += seconds

    def metrics(self, step: int, metrics: dict[str, float]) -> None:
        """Records the metrics, averaged since the last record, at a step."""
        seconds = max(time.perf_counter() - self._clock, 1e-9)
        rate = (step - self._clock_step) * self._batch_size / seconds
        metrics = {name: float(f"{value:.6g}") for name, value in metrics.items()}
        waited = 100 * self._waited / seconds
        self._seconds += seconds
        speed = {
            "examples_per_second": round(rate, 1),
            "waiting_for_data_percent": round(waited, 2),
        }
        self.figures(step, {**speed, **metrics})
        losses = {
            name: f"{metrics[f'{name}/loss']:.3f}"
            for name in ("discriminator", "generator")
            if f"{name}/loss" in metrics
        }
        waiting = {"waiting": f"{waited:.0f}%"} if waited >= 1 else {}
        self._progress.show(step, {"examples/s": f"{rate:.0f}", **waiting, **losses})

    def figures(self, step: int, figures: dict[str, float | None]) -> None:
        """Writes one line of figures, and hands them to the loggers; the rate counts from here."""
        self._clock, self._clock_step, self._waited = time.perf_counter(), step, 0.0
        line = {"step": step, "seconds": round(self._seconds, 3), **figures}
        self._lines.write(json.dumps(line) + "\n")
        self._lines.flush()
        known = {name: value for name, value in figures.items() if value is not None}
        self._loggers.scalars(step, known)

    def artefacts(self, step: int, make_fn: Callable[[], Mapping[str, Artefact]]) -> None:
        """Writes a run's artefacts; one that cannot be made is reported, and the run goes on.

        Raises:
            Exception: before the first step, whatever it is; later, where the disk cannot be written.
        """
        try:
            for name, artefact in make_fn().items():
                write_artefact(self._folder.artefacts, name, step, artefact)
                self._loggers.artefact(step, name, artefact)
        except Exception as error:
            if step == 0 or isinstance(error, OSError):
                raise
            self.warn([f"no artefacts of step {step:,} ({type(error).__name__}: {error})"])

    def health(self, step: int, figures: dict[str, float], sentences: list[str]) -> None:
        """Logs health metrics and prints warnings above the progress bar."""
        if figures:
            self.figures(step, {name: float(f"{value:.6g}") for name, value in figures.items()})
        self.warn(sentences)

    def warn(self, sentences: list[str]) -> None:
        """Prints warnings above the progress bar."""
        for sentence in sentences:
            self._progress.warn(sentence)

    def close(self) -> None:
        """Ends the bar and the file; the loggers wait for the final figures."""
        self._progress.close()
        self._lines.close()


class NullLog:
    """The log of a process that is not the first: it reports nothing."""

    def advance(self, steps: int) -> None:
        """Nothing."""

    def compiling(self) -> AbstractContextManager[None]:
        """Nothing."""
        return nullcontext()

    def waited(self, seconds: float) -> None:
        """Nothing."""

    def metrics(self, step: int, metrics: dict[str, float]) -> None:
        """Nothing."""

    def figures(self, step: int, figures: dict[str, float | None]) -> None:
        """Nothing."""

    def warn(self, sentences: list[str]) -> None:
        """Nothing."""


def read_metrics(metrics_file: Path) -> list[dict]:
    """The lines of a ``metrics.jsonl``, but for a last one that a kill cut short."""
    return [line for line in read_lines(metrics_file) if isinstance(line.get("step"), int)]
