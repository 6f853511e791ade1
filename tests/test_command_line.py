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
    return jax.device_get(last_state(folder, rebuild(folder)))


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


@pytest.mark.parametrize(
    "args, said",
    [
        ((DIGITS, "--step", "5"), "--steps"),
        ((DIGITS, "--steps", "many"), "invalid literal"),
        ((DIGITS, "--batch-size", "1798"), "between 1 and the 1797 examples"),
        ((DIGITS, "--generator-widths", "8", "8", "8", "8"), "too few pixels for the strides"),
        ((DIGITS, "--patience", "0"), "at least 1 measurement"),
        (
            ("experiments/tutorials/gaussian_mlp.py", "--means", "1.5"),
            "the means inside (0.0, 1.0)",
        ),
        (
            ("experiments/tutorials/mnist_dcgan.py", "--data-dir", "/nowhere"),
            "/nowhere is not a folder",
        ),
        (("experiments/yours/folder_dcgan.py", "--data-dir", "tests"), "holds no image file"),
        (("-m", "gan_jax", "sample", "tests"), "is no run folder"),
        (("-m", "gan_jax", "sample", "tests", "--checkpoint", "middle"), "last, best"),
        (("-m", "gan_jax", "sample", "tests", "--out", "grid.pdf"), "is no run folder"),
    ],
)
def test_bad_input_gets_one_message_and_no_traceback(args, said, tmp_path, command_here):
    run_dir = () if args[0] == "-m" else ("--run-dir", tmp_path / "run")
    # a script and a module are started; of the others the message is the subject
    alone = args in ((DIGITS, "--steps", "many"), ("-m", "gan_jax", "sample", "tests"))
    code, out, err = (command if alone else command_here)(*args, *run_dir)
    assert code in (1, 2)
    assert said in out + err
    assert "Traceback" not in err and len(err.splitlines()) < 30


def test_a_run_with_other_arguments_is_refused(whole, command_here):
    def files():
        kept = [p for p in whole[0].rglob("*") if p.is_file() and p.name != ".lock"]
        return sorted((path, path.stat().st_mtime_ns) for path in kept)

    before = files()
    code, _, err = command_here(DIGITS, *SMALL, "--run-dir", whole[0], "--seed", "1")
    assert code == 1
    assert "arguments.seed: the run has 0, the command 1" in err and "Traceback" not in err
    assert before == files()


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


def test_the_commands_are_listed_and_a_misspelt_one_is_named(command_here):
    code, out, _ = command_here("-m", "gan_jax")
    names = {"sample", "evaluate", "report", "status", "replay", "spectrum", "compile_for", "table"}
    assert (
        code == 0 and {line.split()[0] for line in out.splitlines() if line[:4] == "    "} == names
    )
    code, _, err = command_here("-m", "gan_jax", "sampel", "runs/digits")
    assert code == 2 and err == "error: no command 'sampel': did you mean sample?\n"
    code, out, _ = command_here("-m", "gan_jax", "sample", "--help")
    assert code == 0 and "python -m gan_jax sample" in out and "--num" in out


def test_compile_for_takes_the_experiments_own_arguments(command_here):
    code, out, _ = command_here("-m", "gan_jax", "compile_for", DIGITS, "--help")
    assert code == 0 and "--topology" in out and "--generator-widths" in out
    wide = ("--topology", "v5x:2x2", "--generator-widths", "16", "8")
    code, _, err = command_here("-m", "gan_jax", "compile_for", DIGITS, *wide)
    assert code == 1 and "VERSION:SHAPE with a version of v4" in err


def test_a_place_of_data_that_an_experiment_does_not_take(whole, command_here):
    code, _, err = command_here("-m", "gan_jax", "sample", whole[0], "--data-dir", "elsewhere")
    assert (
        code == 1 and "digits_dcgan has no argument data_dir: its arguments are seed, steps" in err
    )
