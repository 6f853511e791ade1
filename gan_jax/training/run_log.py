"""What a run says while it trains: progress bar, ``metrics.jsonl``, TensorBoard, artefacts."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from tensorboardX import SummaryWriter
from tqdm import tqdm

from gan_jax.drawing.artefacts import Artefact, Picture, write_artefact
from gan_jax.training.run_folder import RunFolder


class RunLog:
    """The log of one run, from a step on; lines of later steps (of a killed run) are dropped.

    Args:
        folder: of the run.
        first_step: rounds already played.
        steps: rounds in all.
        batch_size: examples of one round, for the rate.
    """

    def __init__(self, folder: RunFolder, *, first_step: int, steps: int, batch_size: int):
        self._folder, self._batch_size = folder, batch_size
        drop_lines_after(folder.metrics_file, first_step or -1)  # nothing saved: it begins anew
        self._lines = folder.metrics_file.open("a")
        self._board = SummaryWriter(str(folder.tensorboard), purge_step=first_step + 1)
        self._bar = tqdm(initial=first_step, total=steps, unit="step", smoothing=0.1)
        self._clock, self._clock_step, self._waited = time.perf_counter(), first_step, 0.0
        before = [line.get("seconds", 0.0) for line in read_lines(folder.metrics_file)]
        self._seconds = max(before, default=0.0)  # of training, over all resumes

    def advance(self, steps: int) -> None:
        """Moves the progress bar."""
        self._bar.update(steps)

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
        self._bar.set_postfix({"examples/s": f"{rate:.0f}", **waiting, **losses})

    def figures(self, step: int, figures: dict[str, float | None]) -> None:
        """Writes one line of figures, to the file and to TensorBoard; the rate counts from here."""
        self._clock, self._clock_step, self._waited = time.perf_counter(), step, 0.0
        line = {"step": step, "seconds": round(self._seconds, 3), **figures}
        self._lines.write(json.dumps(line) + "\n")
        self._lines.flush()
        for name, value in figures.items():
            if value is not None:
                self._board.add_scalar(name, value, step)

    def artefacts(self, step: int, make_fn: Callable[[], Mapping[str, Artefact]]) -> None:
        """Writes a run's artefacts; what cannot be made is said, and the run goes on.

        Raises:
            Exception: before the first step, whatever it is; later, where the disk cannot be written.
        """
        try:
            for name, artefact in make_fn().items():
                write_artefact(self._folder.artefacts, name, step, artefact)
                if isinstance(artefact, Picture):
                    pixels = np.asarray(artefact.image.convert("RGB"))
                    self._board.add_image(name, pixels, step, dataformats="HWC")
        except Exception as error:
            if step == 0 or isinstance(error, OSError):
                raise
            self.say([f"no artefacts of step {step:,} ({type(error).__name__}: {error})"])

    def health(self, step: int, figures: dict[str, float], sentences: list[str]) -> None:
        """Logs health metrics and prints warnings above the progress bar."""
        if figures:
            self.figures(step, {name: float(f"{value:.6g}") for name, value in figures.items()})
        self.say(sentences)

    def say(self, sentences: list[str]) -> None:
        """Prints warnings above the progress bar."""
        for sentence in sentences:
            tqdm.write(f"warning: {sentence}")

    def close(self) -> None:
        """Ends the bar and the files."""
        self._bar.close()
        self._lines.close()
        self._board.close()


def read_lines(metrics_file: Path) -> list[dict]:
    """The lines of a ``metrics.jsonl``, but for a last one that a kill cut short."""
    if not metrics_file.is_file():
        return []
    lines = []
    for text in metrics_file.read_text().splitlines(keepends=True):
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if text.endswith("\n") and "step" in line:
            lines.append(line)
    return lines


def drop_lines_after(metrics_file: Path, step: int) -> None:
    """Drops the lines of later steps, and a last line that a kill cut short."""
    if not metrics_file.is_file():
        return
    kept = [json.dumps(line) for line in read_lines(metrics_file) if line["step"] <= step]
    draft = metrics_file.with_name(f".{metrics_file.name}")
    draft.write_text("".join(f"{line}\n" for line in kept))
    draft.replace(metrics_file)
