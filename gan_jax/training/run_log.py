"""What a run says while it trains: progress bar, ``metrics.jsonl``, TensorBoard, pictures."""

import json
import time
from pathlib import Path

import numpy as np
from PIL import Image
from tensorboardX import SummaryWriter
from tqdm import tqdm

from gan_jax.training.pictures import save_picture
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
        self._clock, self._clock_step = time.perf_counter(), first_step

    def advance(self, steps: int) -> None:
        """Moves the progress bar."""
        self._bar.update(steps)

    def metrics(self, step: int, metrics: dict[str, float]) -> None:
        """Records the metrics, averaged since the last record, at a step."""
        now = time.perf_counter()
        rate = (step - self._clock_step) * self._batch_size / max(now - self._clock, 1e-9)
        self._clock, self._clock_step = now, step
        metrics = {name: float(f"{value:.6g}") for name, value in metrics.items()}
        line = {"step": step, "images_per_second": round(rate, 1), **metrics}
        self._lines.write(json.dumps(line) + "\n")
        self._lines.flush()
        for name, value in line.items():
            if name != "step":
                self._board.add_scalar(name, value, step)
        losses = {
            name: f"{metrics[f'{name}/loss']:.3f}"
            for name in ("discriminator", "generator")
            if f"{name}/loss" in metrics
        }
        self._bar.set_postfix({"images/s": f"{rate:.0f}", **losses})

    def picture(self, step: int, picture: Image.Image) -> None:
        """Saves a picture of samples."""
        save_picture(picture, self._folder.sample_file(step))
        pixels = np.asarray(picture.convert("RGB"))
        self._board.add_image("samples", pixels, step, dataformats="HWC")

    def close(self) -> None:
        """Ends the bar and the files."""
        self._bar.close()
        self._lines.close()
        self._board.close()


def drop_lines_after(metrics_file: Path, step: int) -> None:
    """Drops the lines of later steps, and a last line that a kill cut short."""
    if not metrics_file.is_file():
        return
    kept = []
    for line in metrics_file.read_text().splitlines(keepends=True):
        try:
            if line.endswith("\n") and json.loads(line)["step"] <= step:
                kept.append(line)
        except (ValueError, KeyError):
            continue
    draft = metrics_file.with_name(f".{metrics_file.name}")
    draft.write_text("".join(kept))
    draft.replace(metrics_file)
