"""The six variants as runs: interrupted, killed, drawn from without their data."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest
import variant_experiment
from PIL import Image
from variants import VARIANTS

from gan_jax.commands.report import report
from gan_jax.commands.sample import sample
from gan_jax.data import ArraySource, Data, as_is, merged
from gan_jax.drawing import generated
from gan_jax.training.experiment import feed_of, samplers_of
from gan_jax.training.first_batch import first_batch
from gan_jax.training.given import load_given
from gan_jax.training.restore import last_state
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.runner import run

FILE = Path(variant_experiment.__file__)
SOME = ArraySource({"x": 10.0 * np.arange(8)[:, None], "y": np.arange(8)})
every_variant = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name == "cyclegan" else pytest.mark.thorough)
        for name in VARIANTS
    ],
)


def train(run_dir, name, steps):
    built = variant_experiment.experiment(variant=name, steps=steps)
    arguments = {"variant": name, "steps": steps}
    with pytest.MonkeyPatch.context() as patch:  # the picture of the curves takes most of the time
        patch.setattr("gan_jax.training.observers.save_curves", lambda *files: None)
        run(built, run_dir=run_dir, experiment_file=FILE, arguments=arguments)


def final_state(run_dir, name):
    return jax.device_get(
        last_state(RunFolder(run_dir), variant_experiment.experiment(variant=name))
    )


def metrics(run_dir):
    lines = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    speed = ("seconds", "examples_per_second", "waiting_for_data_percent")
    return [{name: value for name, value in line.items() if name not in speed} for line in lines]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Runs that nothing stopped, trained when they are first asked for."""
    folders = {}

    def trained(name):
        if name not in folders:
            folders[name] = tmp_path_factory.mktemp(name)
            train(folders[name], name, 8)
        return folders[name]

    return trained


@every_variant
def test_interrupted_it_goes_on_bit_for_bit(name, whole, tmp_path):
    train(tmp_path, name, 4)
    train(tmp_path, name, 8)
    first, second = (final_state(folder, name) for folder in (whole(name), tmp_path))
    jax.tree.map(np.testing.assert_array_equal, first, second)
    step = "artefacts/samples/step_00000008.png"
    assert (whole(name) / step).read_bytes() == (tmp_path / step).read_bytes()


def when_asked(name):
    # a minute of computing each; tests/test_command_line.py kills a run always
    return pytest.param(name, marks=pytest.mark.slow)


@pytest.mark.parametrize("name", [when_asked(name) for name in VARIANTS])
def test_killed_it_goes_on_bit_for_bit(name, tmp_path):
    """`kill -9` of a real process once a checkpoint is there, and the same command again."""
    settings = {
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PLATFORMS": "cpu",
    }

    def start(folder, steps):
        flags = ["--variant", name, "--steps", str(steps), "--run-dir", str(tmp_path / folder)]
        return subprocess.Popen(
            [sys.executable, str(FILE), *flags],
            env=os.environ | settings,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    steps = 400
    _, errors = (undisturbed := start("whole", steps)).communicate(timeout=300)
    assert undisturbed.returncode == 0, errors
    killed, deadline = start("killed", steps), time.monotonic() + 120
    while not list((tmp_path / "killed" / "checksums").glob("*.json")):
        assert time.monotonic() < deadline and killed.poll() is None
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    _, errors = (again := start("killed", steps)).communicate(timeout=300)
    assert again.returncode == 0, errors
    first, second = (final_state(tmp_path / folder, name) for folder in ("whole", "killed"))
    jax.tree.map(np.testing.assert_array_equal, first, second)
    assert metrics(tmp_path / "whole") == metrics(tmp_path / "killed")


@every_variant
def test_it_is_drawn_without_its_data(name, whole, monkeypatch):
    folder = RunFolder(whole(name))
    monkeypatch.setitem(variant_experiment.SOURCES, name, lambda: pytest.fail("the data were read"))
    built = variant_experiment.experiment(variant=name)
    samplers = samplers_of(built, load_given(folder.given_file))
    samples = (
        samplers.sampler(last_state(folder, built), built.root_key, "pictures").draw(10).samples
    )
    assert {len(leaf) for leaf in jax.tree.leaves(samples)} == {10}


def test_commands_that_only_draw_need_no_data(whole, tmp_path, monkeypatch):
    run_dir = whole("cyclegan")
    sources = variant_experiment.SOURCES
    monkeypatch.setitem(sources, "cyclegan", lambda: pytest.fail("data were read"))
    monkeypatch.setattr(
        "gan_jax.commands.command.rebuild",
        lambda folder, **options: variant_experiment.experiment(),
    )
    sample(run_dir, num=5, out=tmp_path / "grid.png")
    report((run_dir,), out=tmp_path / "page.html")
    with Image.open(tmp_path / "grid.png") as picture:
        assert picture.size == (6, 5)  # two translations of 3 numbers
    assert (tmp_path / "page.html").stat().st_size > 1000


def test_unpaired_sources_keep_an_order_of_their_own(whole):
    built = variant_experiment.experiment(variant="cyclegan")
    given = load_given(RunFolder(whole("cyclegan")).given_file)
    assert {name: rows["real"].shape for name, rows in given.items()} == {
        "a": (23, 3),
        "b": (23, 3),
    }
    config = json.loads((whole("cyclegan") / "config.json").read_text())
    assert set(config["data"]) == {"a", "b"} and config["data"]["b"]["examples"] == 23
    assert config["batch"]["a"]["real"] == {"shape": [1, 16, 3], "dtype": "float32"}
    assert built.game.memory.keys() == {"pool"}


def test_a_game_that_cannot_be_drawn_is_refused_before_its_first_step(tmp_path, monkeypatch):
    monkeypatch.setitem(variant_experiment.DRAWN, "cyclegan", generated)
    with pytest.raises(
        ValueError, match=r"Translators has no method '__call__', it has a_to_b, b_to_a: say which"
    ):
        train(tmp_path, "cyclegan", 4)
    assert (tmp_path / "metrics.jsonl").exists() is False


def test_a_source_without_a_name_stands_beside_the_others():
    """Few labelled rows beside the unlabelled ones, each shuffled by itself."""
    named = {"": ArraySource({"real": np.arange(40.0)[:, None]}), "labelled": SOME}
    built = dataclasses.replace(
        variant_experiment.experiment(variant="bigan"),
        data=Data(source_fn=lambda: named, prepare_fn=as_is),
        batch_size={"": 16, "labelled": 4, "a": 4, "b": 4},
    )
    batch = first_batch(built, feed_of(built))
    shapes = jax.tree.map(np.shape, batch)
    assert shapes == {"real": (1, 16, 1), "labelled": {"x": (1, 4, 1), "y": (1, 4)}}
    np.testing.assert_array_equal(batch["labelled"]["x"][..., 0], 10 * batch["labelled"]["y"])
    data = Data(source_fn=lambda: {"a": SOME, "b": SOME}, prepare_fn=as_is)
    same = feed_of(dataclasses.replace(built, data=data))
    orders = [same.feed_fn(0, 5)[name]["examples"] for name in "ab"]
    assert not np.array_equal(*orders)
    with pytest.raises(ValueError, match="at least one feed, got none"):
        merged({})
