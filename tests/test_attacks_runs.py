"""Run folders, experiment files, images and disks that are not what they should be: each gets one message, and nothing is lost."""

import dataclasses
import errno
import importlib
import os
import shlex
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_attacks import CONFIG

from gan_jax.commands.sample import _with_inputs
from gan_jax.data import FolderSource
from gan_jax.data.image_file import read_image
from gan_jax.drawing.pictures import save_picture
from gan_jax.drawing.whole_files import replace_file
from gan_jax.metrics.networks.cache import _load
from gan_jax.training import command_line, runner
from gan_jax.training.checkpoint import Checkpoints
from gan_jax.training.experiment import built_by, load_experiment_function, rebuild
from gan_jax.training.json_files import write_json
from gan_jax.training.messages import exit_with_message
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.same_run import adopt
from gan_jax.training.summary import _last_words

ROOT, DIGITS = Path(__file__).parents[1], "experiments/digits_dcgan.py"


@pytest.mark.parametrize(
    "source, said",
    [
        ("def (\n", "cannot be run (SyntaxError: invalid syntax"),
        ("x = y\n", "cannot be run (NameError: name 'y' is not defined)"),
        ("raise SystemExit(0)\n", "cannot be run (SystemExit: 0)"),
        ("import no_such_module\n", "cannot be run (ModuleNotFoundError: No module named"),
        ("raise RuntimeError('out of paint')\n", "cannot be run (RuntimeError: out of paint)"),
        ("\x00", "cannot be run ("),
        ("x = 1\n", "defines no function `experiment"),
        ("experiment = 3\n", "defines no function `experiment"),
        ("def experiment():\n    pass\n", "must return a gan_jax Experiment, got NoneType"),
        ("def experiment():\n    return {}\n", "must return a gan_jax Experiment, got dict"),
        ("def experiment(*, a):\n    pass\n", "missing 1 required keyword-only argument"),
    ],
)
def test_an_experiment_file_that_makes_none_is_named(source, said, tmp_path):
    folder = RunFolder(tmp_path)
    folder.experiment_file.write_text(source)
    write_json(folder.config_file, CONFIG | {"arguments": {}})
    with pytest.raises((ValueError, TypeError)) as error:
        rebuild(folder, trust=True)
    assert said in str(error.value)
    with pytest.raises((ValueError, TypeError)):
        built_by(load_experiment_function(folder.experiment_file), {})


@pytest.mark.parametrize(
    "config, said",
    [
        ("{}", "says nothing of experiment and arguments"),
        ('{"experiment": "x"}', "says nothing of arguments"),
        ("[1]", "must hold a JSON object, got list"),
        ("", "is not valid JSON"),
        ("\x00", "is not valid JSON"),
    ],
)
def test_a_configuration_that_is_none_is_named(config, said, tmp_path):
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(ValueError, match=r"config\.json") as error:
        rebuild(RunFolder(tmp_path))
    assert said in str(error.value)


@pytest.mark.parametrize("place", ("", "."))
def test_a_run_does_not_lie_among_ones_own_files(place, command_here, monkeypatch):
    monkeypatch.setattr(command_line, "run", lambda *args, **options: pytest.fail("it trained"))
    code, _, err = command_here(DIGITS, "--tiny", "--run-dir", place)
    assert code == 1 and "--run-dir must name a folder" in err and "Traceback" not in err


def test_a_best_metric_without_measurements_is_refused():
    made = dataclasses.replace(load_experiment_function(ROOT / DIGITS)(), evaluate_every_steps=None)
    options = dict.fromkeys((*command_line._FIELDS, "num_workers", "micro_batches"))
    assert command_line._with_options(made, options).best_metric == made.best_metric
    with pytest.raises(
        ValueError, match=r"--best-metric quality/x chooses.*--evaluate-every-steps"
    ):
        command_line._with_options(made, options | {"best_metric": "quality/x"})


def test_a_field_that_is_none_is_refused_of_a_new_run_too(tmp_path):
    with pytest.raises(ValueError, match=r"--allow-changed sede: no such field.*arguments\.seed"):
        adopt(RunFolder(tmp_path), CONFIG, None, allow_changed=("sede",))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "write",
    [
        lambda path: replace_file(path, b"new"),
        lambda path: write_json(path, {}),
        lambda path: save_picture(Image.new("L", (2, 2)), path),
    ],
)
def test_a_link_at_the_drafts_old_name_leads_nowhere(write, tmp_path):
    victim, target = tmp_path / "victim", tmp_path / "run" / "file"
    victim.write_text("mine")
    target.parent.mkdir()
    (target.parent / ".file").symlink_to(victim)
    target.symlink_to(victim)  # nor does one at the file's own name
    write(target)
    assert victim.read_text() == "mine" and not target.is_symlink()


@pytest.mark.parametrize("full, named", [(True, "RUN"), (False, "the standard output, or a file")])
def test_a_full_disk_is_blamed_on_the_place_that_is_full(full, named, tmp_path, monkeypatch):
    folder = RunFolder(tmp_path)

    def fail(path, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if full:
        monkeypatch.setattr(runner, "replace_file", fail)
    with pytest.raises(OSError, match="No space left") as error:
        with runner._telling_what_is_saved(folder):
            fail(None, b"")
    assert str(error.value).startswith(named.replace("RUN", str(tmp_path)))
    assert "no checkpoint was saved" in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_device_that_is_not_there_is_said(capsys):
    def call():
        raise RuntimeError("Unable to initialize backend 'cuda': no such device\nmore")

    with pytest.raises(SystemExit) as ended:
        exit_with_message(call)
    assert ended.value.code == 1
    assert "Unable to initialize backend 'cuda'" in (said := capsys.readouterr().err)
    assert "unset JAX_PLATFORMS" in said and "more" not in said
    with pytest.raises(RuntimeError):
        exit_with_message(call, debug=True)


def test_ctrl_c_while_a_command_is_imported(command_here, monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib, "import_module", interrupted)
    code, _, err = command_here("-m", "gan_jax", "status", "runs/x")
    assert code == 130 and err == "stopped by Ctrl-C before anything began\n"


def test_a_pipe_among_images_is_not_waited_for(tmp_path):
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    os.mkfifo(tmp_path / "b.png")
    assert [file.name for file in FolderSource(tmp_path, size=None).files] == ["a.png"]


@pytest.mark.parametrize("kind", ("bomb", "cut", "empty", "text"))
def test_images_that_cannot_be_read_are_named(kind, tmp_path, monkeypatch):
    file = tmp_path / "image.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)).save(file)
    content = file.read_bytes()
    file.write_bytes({"bomb": content, "cut": content[:2000], "empty": b"", "text": b"hello"}[kind])
    if kind == "bomb":  # Pillow refuses more than twice as many pixels
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(ValueError, match=r"image\.png \(\d+ bytes\) cannot be read as an image"):
        read_image(file, channels=1, background="white", size=None)


def test_an_image_of_ones_own_is_an_input(tmp_path):
    Image.new("RGB", (20, 10), "white").save(tmp_path / "a.png")
    given = {"input": np.zeros((3, 4, 8, 3), np.float32)}
    for path in (tmp_path, tmp_path / "a.png"):
        np.testing.assert_array_equal(_with_inputs(given, path)["input"], np.ones((1, 4, 8, 3)))


@pytest.mark.parametrize("batch", ({"real": 3}, {"real": {"shape": 3, "dtype": "float32"}}))
def test_shapes_that_are_none_are_named(batch, tmp_path):
    write_json(tmp_path / "config.json", {"batch": batch})
    with pytest.raises(ValueError, match=r"config\.json: batch must hold shapes"):
        RunFolder(tmp_path).batch_shapes()


def test_checkpoints_without_checksums_are_said(tmp_path, capsys):
    (tmp_path / "checkpoints" / "4").mkdir(parents=True)
    with closing(Checkpoints(tmp_path / "checkpoints")) as checkpoints:
        assert checkpoints._newest_whole() == 4
    assert "step 4 has no checksums" in capsys.readouterr().err


def test_the_next_command_can_be_pasted(tmp_path):
    words = _last_words(RunFolder(tmp_path / "my run; rm x"), 4, 1.0)
    line = next(line for line in words.splitlines() if line.startswith("next"))
    assert shlex.split(line)[1:] == ["python", "-m", "gan_jax", "report", f"{tmp_path}/my run; rm x"]  # fmt: skip


@pytest.mark.parametrize(
    "record", ("[]", "3", '{"made_of": {}}', "{", '{"made_of": {}, "widths": 3}')
)
def test_a_cached_classifier_with_another_record_is_trained_anew(record, tmp_path):
    np.savez(tmp_path / "a.npz", record=record)
    assert _load(tmp_path / "a.npz", {}) is None
