"""Killed at random moments, again and again, and in the end the run is the uninterrupted one, bit for bit.

On demand: ``pytest -m slow tests/test_kills.py``; KILL_SEED chooses the moments.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest
from test_command_line import final_state

from gan_jax.training.experiment import rebuild
from gan_jax.training.restore import best_state
from gan_jax.training.run_folder import RunFolder

KILLS = 9  # of each run
SPEED = ("seconds", "examples_per_second", "waiting_for_data_percent")
SEED = int(os.environ.get("KILL_SEED", "0"))

# Everything that adapts: a schedule, the moving average, the best so far, and a run that ends by its patience
# only after the steps that are asked for.
EXPERIMENT = '''
import numpy as np
import optax
import jax
from PIL import Image
from gan_jax import losses
from gan_jax.augment import of_example
from gan_jax.data import ArraySource, Data
from gan_jax.drawing.shown import pictured
from gan_jax.game import Game
from gan_jax.metrics.estimate import Estimate
from gan_jax.metrics.evaluators import Evaluator, Figure
from gan_jax.models.blocks import BatchNorm
from gan_jax.models.mlp import MLPDiscriminator, MLPGenerator
from gan_jax.training import Experiment, main

SOURCE = ArraySource({"point": np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32)})


class Streamed:
    def __len__(self):
        return len(SOURCE)

    def __getitem__(self, index):
        return SOURCE[index]


def spread(data):
    def measure(sampler):
        return {"spread": Estimate(float(sampler.draw().samples.std()))}

    return Evaluator(measure_fn=measure, figures={"spread": Figure("spread", "less")}, protocol={}, num=16,
                     references={"real": lambda players, latents, rows: rows["real"]})


def experiment(*, steps: int = 60, streamed: bool = False) -> Experiment:
    """A small game."""
    game = Game(
        generator=MLPGenerator((2,), (8,), norm_fn=BatchNorm, output_fn=None),
        discriminator=MLPDiscriminator((8,), dropout_rate=0.1),
        loss=losses.relativistic_pairing(),
        generator_optimizer=optax.adam(optax.cosine_decay_schedule(1e-2, 60)),
        discriminator_optimizer=optax.adam(optax.linear_schedule(1e-2, 1e-3, 60)),
        latent_size=4,
    )
    return Experiment(
        game=game, evaluators={"points": spread},
        data=Data(
            source_fn=Streamed if streamed else lambda: SOURCE,
            prepare_fn=lambda key, example: {"real": example["point"]},
            augment_fn=of_example(lambda key, x: x + 0.1 * jax.random.normal(key, x.shape)),
        ),
        artefacts_fn=pictured(lambda samples, logits_fn: Image.new("L", (8, 8))),
        steps=steps, batch_size=16, log_every_steps=1, sample_every_steps=20, save_every_steps=2,
        evaluate_every_steps=2, patience=1000,
    )


if __name__ == "__main__":
    main(experiment, tiny={})
'''

RUNS = {
    "in memory": ((), 1),
    "streamed, four devices": (("--streamed",), 4),
    "two seeds": (("--num-seeds", "2"), 1),
}


def start(file, run_dir, flags, devices):
    settings = {
        "JAX_PLATFORMS": "cpu",
        "JAX_NUM_CPU_DEVICES": str(devices),
        "JAX_COMPILATION_CACHE_DIR": str(file.parent / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    return subprocess.Popen(
        [sys.executable, str(file), "--run-dir", str(run_dir), *flags],
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def recorded(run_dir):
    lines = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in SPEED} for line in lines]


def saving(run_dir):
    return bool(list((run_dir / "checkpoints").glob("*tmp*")))


def _wait_for_a_moment(process, run_dir, rng):
    """One in ten before anything is read, the others while it trains; half of those while it saves."""

    def wait(over, seconds):
        deadline = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < deadline and not over():
            time.sleep(0.0005)

    if rng.random() < 0.1:
        return wait(lambda: False, 5 * rng.random())
    lines = run_dir / "metrics.jsonl"
    before = lines.stat().st_mtime if lines.is_file() else None
    wait(lambda: lines.is_file() and lines.stat().st_mtime != before, 60)
    wait(lambda: False, rng.random())
    if rng.random() < 0.5:
        wait(lambda: saving(run_dir), 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_killed_again_and_again(name, tmp_path):
    flags, devices = RUNS[name]
    rng = random.Random(f"{SEED} {name}")
    file = tmp_path / "killed.py"
    file.write_text(EXPERIMENT)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    process = start(file, whole, flags, devices)
    error = process.communicate()[1]
    assert process.returncode == 0, error
    kills = during_a_save = 0
    while kills < KILLS:
        process = start(file, killed, flags, devices)
        _wait_for_a_moment(process, killed, rng)
        during_a_save += saving(killed)
        number = rng.choice([signal.SIGKILL] * 3 + [signal.SIGTERM, signal.SIGINT])
        process.send_signal(number)
        error = process.communicate()[1]
        if process.returncode == 0:  # it was done: begin anew
            shutil.rmtree(killed)
            continue
        kills += 1
        assert process.returncode in (-number, 128 + number, 1), error
    process = start(file, killed, flags, devices)
    error = process.communicate()[1]
    assert process.returncode == 0, error
    print(f"{name}: {kills} kills, {during_a_save} during a save")
    jax.tree.map(np.testing.assert_array_equal, final_state(whole), final_state(killed))
    assert recorded(whole) == recorded(killed)
    best = [best_state(folder, rebuild(folder)) for folder in map(RunFolder, (whole, killed))]
    jax.tree.map(np.testing.assert_array_equal, *best)
    # in any order: a kill between two figures leaves the first where it is
    figures = [sorted((run / "figures.jsonl").read_text().splitlines()) for run in (whole, killed)]
    assert figures[0] == figures[1]
    assert during_a_save >= 1
