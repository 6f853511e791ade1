"""The host side, in one process, on a game that compiles in seconds."""

import dataclasses
import json
import os
import shutil
import signal
from functools import partial
from pathlib import Path

import jax
import numpy as np
import optax
import pytest
from games import vector_game
from PIL import Image

from gan_jax.data import ArraySource, Data
from gan_jax.drawing.pictures import image_grid
from gan_jax.drawing.shown import pictured
from gan_jax.models.blocks import BatchNorm
from gan_jax.training.checkpoint import Checkpoints
from gan_jax.training.experiment import (
    Experiment,
    feed_of,
    load_experiment_function,
    samplers_of,
)
from gan_jax.training.figures_log import is_after
from gan_jax.training.first_batch import batch_shapes
from gan_jax.training.interruption import Interrupted
from gan_jax.training.json_files import drop_lines, read_json
from gan_jax.training.loop import NonFiniteError
from gan_jax.training.restore import first_state, last_state
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.runner import run
from gan_jax.training.same_run import adopt

DEVICES = 2
GAME = vector_game()
SPEED = ("seconds", "examples_per_second", "waiting_for_data_percent")
POINTS = np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32)


OF_DATA = {field.name for field in dataclasses.fields(Data)}


def first_device(leaf):
    return jax.sharding.SingleDeviceSharding(jax.devices()[0])


def dots(samples, logits_fn):
    return Image.fromarray((np.asarray(samples)[:, :1] > 0).astype(np.uint8) * 255)


def experiment(**changes):
    data = dict(
        source_fn=lambda: ArraySource({"point": POINTS}),
        prepare_fn=lambda key, example: {"real": example["point"]},
    ) | {name: changes.pop(name) for name in OF_DATA & changes.keys()}
    options = dict(
        game=GAME,
        data=Data(**data),
        artefacts_fn=pictured(dots),
        steps=6,
        batch_size=16,
        log_every_steps=1,
        sample_every_steps=3,
        save_every_steps=2,
    )
    return Experiment(**(options | changes))


def train(
    run_dir,
    arguments=None,
    parallel="jit",
    parameter_shards=1,
    allow_changed=(),
    from_step=None,
    curves=False,
    **changes,
):
    """Trains in a folder; the picture of the curves, half of such a run's time, only if it is asked for."""
    with pytest.MonkeyPatch.context() as patch:
        if not curves:
            patch.setattr("gan_jax.training.observers.save_curves", lambda *files: None)
        run(
            experiment(**changes),
            run_dir=run_dir,
            experiment_file=Path(__file__),
            arguments=arguments or {"lr": 0.01},
            parallel=parallel,
            parameter_shards=parameter_shards,
            allow_changed=allow_changed,
            from_step=from_step,
        )


def final_state(run_dir):
    return jax.device_get(last_state(RunFolder(run_dir), experiment()))


def assert_same_run(first, second):
    jax.tree.map(np.testing.assert_array_equal, final_state(first), final_state(second))
    for name in ("artefacts/samples/step_00000006.png",):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    lines = [
        [
            {k: v for k, v in json.loads(line).items() if k not in SPEED}
            for line in (run_dir / "metrics.jsonl").read_text().splitlines()
        ]
        for run_dir in (first, second)
    ]
    assert lines[0] == lines[1]
    assert [line["step"] for line in lines[0]] == [1, 2, 3, 3, 4, 5, 6, 6]  # two of them of health


def test_a_run_folder_holds_what_it_should(whole):
    found = {path.name for path in whole.iterdir()}
    assert found == {
        "config.json", "experiment.py", "history.jsonl", "given.npz", "metrics.jsonl", "artefacts", "samples.gif", "curves.png", "summary.json",
        "checkpoints", "checksums", "tensorboard", ".lock",
    }  # fmt: skip
    assert sorted(p.name for p in (whole / "artefacts" / "samples").iterdir()) == [
        "step_00000000.png", "step_00000003.png", "step_00000006.png",
    ]  # fmt: skip
    config = read_json(whole / "config.json")
    assert config["arguments"] == {"lr": 0.01} and config["data"]["examples"] == 64
    assert sorted(int(p.name) for p in (whole / "checkpoints").iterdir()) == [2, 4, 6]
    line = json.loads((whole / "metrics.jsonl").read_text().splitlines()[0])
    assert {"step", "examples_per_second", "discriminator/loss", "generator/grad_norm"} <= set(line)
    with Image.open(whole / "curves.png") as curves:
        assert curves.size[0] > 500


def test_the_same_command_again_says_that_it_is_finished(whole, capsys):
    before = (whole / "metrics.jsonl").read_bytes()
    train(whole)
    assert "is finished: 6 of 6 steps" in capsys.readouterr().out
    assert (whole / "metrics.jsonl").read_bytes() == before


def test_more_steps_continue_bit_for_bit(whole, tmp_path):
    train(tmp_path, steps=4)
    before = (tmp_path / "summary.json").read_bytes()
    train(tmp_path, steps=6)
    assert_same_run(whole, tmp_path)
    (tmp_path / "summary.json").write_bytes(before)  # as if killed before the figures
    train(tmp_path, steps=6)
    assert read_json(tmp_path / "summary.json")["steps"] == 6


@pytest.mark.parametrize(
    "number", (signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.thorough))
)
def test_a_signal_saves_and_the_run_resumes_bit_for_bit(whole, tmp_path, number):
    calls = []

    def send_a_signal(samples, logits_fn):
        calls.append(1)
        if len(calls) == 2:  # the first is that before the first step
            os.kill(os.getpid(), number)
        return dots(samples, logits_fn)

    with pytest.raises(Interrupted, match=f"{number.name} at step 4") as caught:
        train(tmp_path, artefacts_fn=pictured(send_a_signal))
    assert caught.value.exit_code == 128 + number
    assert not (tmp_path / "summary.json").exists()
    train(tmp_path)
    assert (tmp_path / "artefacts" / "samples" / "step_00000004.png").exists()
    assert_same_run(whole, tmp_path)


def test_a_value_that_is_not_finite_stops_the_run_and_keeps_the_last_checkpoint(tmp_path):
    bad = vector_game(
        discriminator_optimizer=optax.sgd(lambda count: np.float32("inf") * (count >= 4))
    )
    with pytest.raises(
        NonFiniteError, match=r"became (nan|inf|-inf) at step [56]; .* step 4 is good"
    ):
        train(tmp_path, game=bad)
    checkpoints = Checkpoints(RunFolder(tmp_path).checkpoints)
    assert checkpoints.steps() == [2, 4]
    checkpoints.close()
    state = last_state(RunFolder(tmp_path), experiment(game=bad))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state))


def test_the_step_of_the_first_bad_value_is_named_within_an_interval(tmp_path):
    bad = vector_game(generator_optimizer=optax.sgd(lambda count: np.float32("nan") * (count >= 2)))
    with pytest.raises(
        NonFiniteError, match=r"update_ratio became nan at step 3; .* No checkpoint"
    ):
        train(tmp_path, game=bad, log_every_steps=6, save_every_steps=6, sample_every_steps=6)


def test_other_arguments_or_data_are_refused_with_both_shown(whole, tmp_path):
    with pytest.raises(ValueError, match=r"arguments\.lr: the run has 0\.01, the command 0\.5"):
        train(whole, arguments={"lr": 0.5})
    with pytest.raises(ValueError, match=r"arguments\.beta: the run has \(nothing\)"):
        train(whole, arguments={"lr": 0.01, "beta": 1})
    changed = POINTS.copy()
    changed[3] += 1
    with pytest.raises(ValueError, match=r"data\.sha256"):
        train(whole, source_fn=lambda: ArraySource({"point": changed}))
    train(whole, arguments={"lr": 0.01, "steps": 7, "data_dir": "elsewhere"})  # not compared
    assert_same_run(whole, whole)


CONFIG = {"experiment": "x", "arguments": {}, "options": {}, "versions": {"jax": "1.0"}}


def test_a_changed_experiment_file_is_told(tmp_path, capsys):
    """A line such as ``optimizer_fn = ...`` is no argument: the run would go on as another."""
    folder, file = RunFolder(tmp_path / "run"), tmp_path / "x.py"
    folder.prepare()
    for text, told in (
        ('"""Old."""\nrate = 1\n', False),
        ('"""New."""\n\nrate = 1  # as before\n', False),
        ('"""New."""\nrate = 2\n', True),
        ('"""New."""\nrate = 2\n', False),
    ):
        file.write_text(text)
        line = adopt(folder, CONFIG, file)
        (folder.checkpoints / "2").mkdir(parents=True, exist_ok=True)
        said = capsys.readouterr().err
        assert ("has changed since this run began" in said) == told
        assert line["experiment_diff"][-2:] == (
            ["-rate = 1  # as before", "+rate = 2"] if told else []
        )
    assert folder.experiment_file.read_text() == file.read_text()


def test_changed_networks_are_refused_and_nothing_is_moved(whole):
    wider = vector_game(discriminator_optimizer=optax.sgd(0.1))
    with pytest.raises(ValueError, match="saved by other networks or optimizers"):
        train(whole, game=wider, steps=8)
    assert not (whole / "unreadable_checkpoints").exists()


def test_a_truncated_checkpoint_falls_back_to_the_one_before(whole, tmp_path, capsys):
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    for step, keep in ((6, 0.5), (4, 0.0)):
        files = [
            p for p in (tmp_path / "checkpoints" / str(step) / "state").rglob("*") if p.is_file()
        ]
        largest = max(files, key=lambda path: path.stat().st_size)
        largest.write_bytes(largest.read_bytes()[: int(keep * largest.stat().st_size)])
    (tmp_path / "summary.json").unlink()
    train(tmp_path)
    captured = capsys.readouterr()
    assert "the checkpoint of step 6" in captured.err and "the checkpoint of step 4" in captured.err
    assert "resuming" in captured.out and "at step 2 of 6" in captured.out
    assert (tmp_path / "unreadable_checkpoints" / "6" / "state").is_dir()
    assert_same_run(whole, tmp_path)


def test_when_no_checkpoint_can_be_read_it_says_so(tmp_path):
    train(tmp_path, steps=2)
    for file in (tmp_path / "checkpoints" / "2" / "state").rglob("*"):
        if file.is_file():
            file.write_bytes(b"")
    for _ in range(2):  # nothing is moved away, so the second command says so too
        with pytest.raises(ValueError, match=r"no checkpoint in .* is whole:\n  step 2: "):
            train(tmp_path, steps=4)


def test_a_command_that_failed_before_its_first_checkpoint_can_be_mended(tmp_path):
    with pytest.raises(ValueError, match=r"fake is \(2,\) and real is \(1,\)"):
        train(
            tmp_path, arguments={"lr": 7.0}, prepare_fn=lambda key, f: {"real": f["point"][..., :1]}
        )
    train(tmp_path, steps=2)
    assert read_json(tmp_path / "config.json")["arguments"] == {"lr": 0.01}


def test_a_run_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"cannot be written .* --run-dir"):
        train(tmp_path / "file" / "run")


def test_many_steps_a_call_and_pmap_write_the_same_kind_of_run(whole, tmp_path):
    train(tmp_path, steps_per_call=3, sample_every_steps=3, save_every_steps=3, log_every_steps=3,
          parallel="pmap")  # fmt: skip
    close = partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-4)
    jax.tree.map(close, final_state(whole), final_state(tmp_path))


def test_intervals_must_be_multiples_of_a_call():
    with pytest.raises(ValueError, match="save_every_steps must be a positive multiple"):
        experiment(steps_per_call=2, log_every_steps=2, sample_every_steps=2, save_every_steps=3)
    with pytest.raises(ValueError, match="steps must be a positive multiple"):
        experiment(steps=0)


def test_lines_after_the_checkpoint_and_cut_lines_are_dropped(tmp_path):
    file = tmp_path / "metrics.jsonl"
    file.write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n{"st')
    assert drop_lines(file, is_after(2)) == [{"step": 3}]
    assert file.read_text() == '{"step": 1}\n{"step": 2}\n'


def drawn(built, state, num=10, seed=0, purpose="pictures"):
    samplers = samplers_of(built, {"real": POINTS})
    return samplers.sampler(state, jax.random.key(seed), purpose).draw(num).samples


def test_a_sample_is_the_same_for_every_number_and_another_for_every_seed_and_purpose():
    state = new_state(experiment())
    whole = drawn(experiment(), state, 250)
    np.testing.assert_array_equal(drawn(experiment(), state, 10), whole[:10])
    for other in (dict(seed=5), dict(purpose="evaluate")):
        assert not np.array_equal(drawn(experiment(), state, **other), whole[:10])


def test_standing_statistics_are_taken_before_drawing():
    built = experiment()
    norm = dataclasses.replace(built.game, generator=built.game.generator.clone(norm_fn=BatchNorm))
    settled = dataclasses.replace(built, game=norm, standing_statistics_batches=2)
    state = new_state(settled)
    as_it_is = drawn(dataclasses.replace(settled, standing_statistics_batches=0), state)
    anew = drawn(settled, state)
    assert not np.array_equal(anew, as_it_is)
    np.testing.assert_array_equal(drawn(settled, state), anew)
    with pytest.raises(ValueError, match="standing_statistics_batches must not be negative"):
        dataclasses.replace(built, standing_statistics_batches=-1)


class Unsaved:
    def restore(self, abstract_state):
        return None


def new_state(experiment):
    feed = feed_of(experiment)
    shapes = batch_shapes(experiment, feed)
    return first_state(experiment, Unsaved(), first_device, feed, shapes)[0]


def test_grid_of_images():
    images = np.linspace(-1, 1, 5)[:, None, None, None] * np.ones((5, 28, 28, 1))
    grid = np.asarray(image_grid(images, columns=3))
    assert grid.shape == (2 * 58 - 2, 3 * 58 - 2)
    assert grid[0, 0] == 0 and grid[58, 58] == 255 and grid[-1, -1] == 0
    color = image_grid(np.zeros((2, 8, 8, 3)))
    assert color.mode == "RGB" and color.size == (2 * 58 - 2, 56)
    with pytest.raises(ValueError, match="by a function of your own"):
        image_grid(np.zeros((5, 2)))


def test_experiment_files_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError, match="is missing"):
        load_experiment_function(tmp_path / "x.py")
    (tmp_path / "x.py").write_text("a = 1")
    with pytest.raises(ValueError, match="defines no function"):
        load_experiment_function(tmp_path / "x.py")


def test_artefacts_that_cannot_be_made_are_said_before_the_first_step(tmp_path):
    with pytest.raises(ValueError, match="artefact 'samples' must be one of Picture, Animation"):
        train(tmp_path, artefacts_fn=lambda sampler: {"samples": sampler.draw().samples})
    assert not list((tmp_path / "checkpoints").glob("*"))


def test_artefacts_that_fail_later_are_said_and_the_run_goes_on(tmp_path, capsys):
    calls = []

    def once(sampler):
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("no paint")
        return pictured(dots)(sampler)

    train(tmp_path, artefacts_fn=once)
    said = capsys.readouterr()
    assert "no artefacts of step 3 (RuntimeError: no paint)" in said.out + said.err
    steps = [path.name for path in sorted((tmp_path / "artefacts" / "samples").iterdir())]
    assert steps == ["step_00000000.png", "step_00000006.png"]
