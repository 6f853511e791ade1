"""What a run says while it trains: progress bar, ``metrics.jsonl``, TensorBoard, pictures."""

import json
import time
from pathlib import Path

import numpy as np
from PIL import Image
from tensorboardX import SummaryWriter
from tqdm import tqdm

from gan_jax.drawing.pictures import save_picture
from gan_jax.training.run_folder import RunFolder


class RunLog:
    """The log of one run, from a step on; lines of later steps (of a killed run) are dropped.

    Args:
        folder: of the run.
        first_step: rounds already played.
        steps: rounds in all.
        batch_size: images of one round, for the rate.
    """

    def __init__(self, folder: RunFolder, *, first_step: int, steps: int, batch_size: int):
        self._folder, self._batch_size = folder, batch_size
        drop_lines_after(folder.metrics_file, first_step)
        self._lines = folder.metrics_file.open("a")
        self._board = SummaryWriter(str(folder.tensorboard), purge_step=first_step + 1)
        self._bar = tqdm(initial=first_step, total=steps, unit="step", smoothing=0.1)
        self._clock, self._clock_step, self._waited = time.perf_counter(), first_step, 0.0

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
        speed = {"images_per_second": round(rate, 1), "waiting_for_data_percent": round(waited, 2)}
        self.figures(step, {**speed, **metrics})
        losses = {
            name: f"{metrics[f'{name}/loss']:.3f}"
            for name in ("discriminator", "generator")
            if f"{name}/loss" in metrics
        }
        waiting = {"waiting": f"{waited:.0f}%"} if waited >= 1 else {}
        self._bar.set_postfix({"images/s": f"{rate:.0f}", **waiting, **losses})

    def figures(self, step: int, figures: dict[str, float]) -> None:
        """Writes one line of figures, to the file and to TensorBoard; the rate counts from here."""
        self._clock, self._clock_step, self._waited = time.perf_counter(), step, 0.0
        self._lines.write(json.dumps({"step": step, **figures}) + "\n")
        self._lines.flush()
        for name, value in figures.items():
            self._board.add_scalar(name, value, step)

    def picture(self, step: int, picture: Image.Image) -> None:
        """Saves a picture of samples."""
        save_picture(picture, self._folder.sample_file(step))
        pixels = np.asarray(picture.convert("RGB"))
        self._board.add_image("samples", pixels, step, dataformats="HWC")

    def health(self, step: int, figures: dict[str, float], sentences: list[str]) -> None:
        """Logs health metrics and prints warnings above the progress bar."""
        if figures:
            self.figures(step, {name: float(f"{value:.6g}") for name, value in figures.items()})
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
