"""The commands as a user types them: real processes and real kills where these are the subject."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from gan_jax.data import digits
from gan_jax.training.experiment import rebuild
from gan_jax.training.figures_log import read_figures
from gan_jax.training.restore import last_state
from gan_jax.training.run_folder import RunFolder

ROOT = Path(__file__).parents[1]
DIGITS = "experiments/digits_dcgan.py"
SMALL = ("--tiny", "--steps", "60")


def command(*args, wait=True, **options):
    process = subprocess.Popen(
        [sys.executable, *map(str, args)],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )
    if not wait:
        return process
    try:
        out, err = process.communicate(timeout=300)
    finally:  # one that hangs does not outlive the test
        process.kill()
    return process.returncode, out, err


def final_state(run_dir):
    folder = RunFolder(run_dir)
    return jax.device_get(last_state(folder, rebuild(folder, trust=True)))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("runs") / "whole"
    code, out, err = command(DIGITS, *SMALL, "--run-dir", run_dir)
    assert code == 0, err
    return run_dir, out, err


def test_a_run_ends_with_a_table_paths_and_the_next_command(whole):
    run_dir, out, _ = whole
    for text in ("classes of 10", "generated", "real", "noise", "Frechet", "898 samples a row"):
        assert text in out
    assert f"{run_dir}/artefacts/samples/step_00000060.png" in out
    assert f"python -m gan_jax sample {run_dir}" in out
    assert re.search(
        r"step \d+ of 60, examples/s \d.*, generator ", out
    )  # no bar: this is no terminal
    lines = read_figures(run_dir / "figures.jsonl")
    assert {line["row"] for line in lines} == {"generated", "real", "noise"}


@pytest.mark.thorough
def test_killed_at_once_and_resumed_is_bit_for_bit_uninterrupted(whole, tmp_path):
    run_dir = tmp_path / "killed"
    process = command(DIGITS, *SMALL, "--run-dir", run_dir, "--save-every-steps", "2", wait=False)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if list((run_dir / "checksums").glob("*.json")):  # one checkpoint is whole
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "the run ended before it could be killed"
    code, out, err = command(DIGITS, *SMALL, "--run-dir", run_dir)
    assert code == 0, err
    assert "resuming" in out
    jax.tree.map(np.testing.assert_array_equal, final_state(run_dir), final_state(whole[0]))


def test_sample_draws_from_a_run(whole, tmp_path, command_here):
    run_dir, grid = whole[0], tmp_path / "grid.png"
    pictures = []
    for start, options in (
        (command, ()),
        (command_here, ("--no-ema",)),
        (command_here, ("--seed", "3")),
    ):
        code, out, err = start(
            "-m", "gan_jax", "sample", run_dir, "--num", "64", "--out", grid, *options
        )
        assert code == 0, err
        assert "64 samples" in out and "step 60" in out
        pictures.append(grid.read_bytes())
    assert len(set(pictures)) == 3
    # without options: the samples of the run's own last picture
    with Image.open(run_dir / "artefacts" / "samples" / "step_00000060.png") as last:
        command("-m", "gan_jax", "sample", run_dir, "--out", grid)
        with Image.open(grid) as drawn:
            np.testing.assert_array_equal(np.asarray(drawn), np.asarray(last))


def test_a_run_with_other_arguments_is_refused(whole, command_here):
    def files():
        kept = [p for p in whole[0].rglob("*") if p.is_file() and p.name != ".lock"]
        return sorted((path, path.stat().st_mtime_ns) for path in kept)

    before = files()
    code, _, err = command_here(DIGITS, *SMALL, "--run-dir", whole[0], "--seed", "1")
    assert code == 1
    assert "arguments.seed: the run has 0, the command 1" in err and "Traceback" not in err
    assert before == files()


@pytest.mark.slow
def test_an_unlabeled_folder_of_images_trains(tmp_path):
    (tmp_path / "images").mkdir()
    for index, image in enumerate(digits().arrays["image"][:20]):
        Image.fromarray(image[..., 0]).save(tmp_path / "images" / f"{index}.png")
    code, out, err = command(
        "experiments/yours/folder_dcgan.py", "--tiny", "--channels", "1",
        "--data-dir", tmp_path / "images", "--run-dir", tmp_path / "run",
    )  # fmt: skip
    assert code == 0, err
    assert "step_00000004.png" in out and os.path.getsize(tmp_path / "run" / "curves.png")


def test_a_place_of_data_that_an_experiment_does_not_take(whole, command_here):
    code, _, err = command_here("-m", "gan_jax", "sample", whole[0], "--data-dir", "elsewhere")
    assert (
        code == 1 and "digits_dcgan has no argument data_dir: its arguments are seed, steps" in err
    )
