"""A long run with everything on: memory, threads, open files and the time of a step stay what they were. On demand."""

import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from test_training import train

from gan_jax.training.loggers import tensorboard

DEVICES, STEPS = 1, 8_000


class Resources:
    """A logger that notes what the process holds."""

    def __init__(self, run):
        self.lines = []

    def scalars(self, step, values):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        memory = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
        self.lines.append(
            (step, memory, threading.active_count(), len(os.listdir("/proc/self/fd")))
        )

    def artefact(self, step, name, value):
        pass

    def close(self, lines):
        pass


@pytest.mark.slow
def test_nothing_grows_over_a_long_run(tmp_path):
    made = []

    def resources(run):
        made.append(Resources(run))
        return made[-1]

    train(
        tmp_path, steps=STEPS, log_every_steps=50, sample_every_steps=500, save_every_steps=250,
        keep_every_steps=1_000, loggers=(tensorboard, resources), curves=True,
    )  # fmt: skip
    step, memory, threads, files = np.array(made[0].lines).T
    early, late = (step > STEPS / 4) & (step <= STEPS / 2), step > 3 * STEPS / 4
    print(f"memory {memory[early].mean():.0f} -> {memory[late].mean():.0f} MiB, threads "
          f"{threads[early].max():.0f} -> {threads[late].max():.0f}, files {files[early].max():.0f} -> "
          f"{files[late].max():.0f}")  # fmt: skip
    assert np.median(memory[late]) < np.median(memory[early]) + 30
    assert np.median(threads[late]) <= np.median(threads[early])
    assert np.median(files[late]) <= np.median(files[early])
    logged = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    rate = {line["step"]: line.get("examples_per_second", 0.0) for line in logged}
    rate = {at: found for at, found in rate.items() if found}
    first, last = (
        np.median([found for at, found in rate.items() if low < at <= high])
        for low, high in ((STEPS / 4, STEPS / 2), (3 * STEPS / 4, STEPS))
    )
    assert last > first / 2, f"{first:.0f} examples/s became {last:.0f}"
