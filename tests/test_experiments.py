"""Every experiment file, shrunk: it builds, trains and is measured."""

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from experiment_files import FILES, file_of, load
from PIL import Image

from gan_jax.metrics.evaluators.evaluator import NAME
from gan_jax.training.alone import check_alone
from gan_jax.training.experiment import rebuild
from gan_jax.training.figures_log import read_figures
from gan_jax.training.json_files import write_json
from gan_jax.training.run_folder import RunFolder

ROOT = Path(__file__).parents[1]
DEVICES = 2
# Real data sets, for what random images cannot say.
PREPARED = Path(os.environ.get("TFDS_DATA_DIR", ROOT.parent / "shared" / "tfds"))
ELSEWHERE = {
    "folder_dcgan",  # tests/test_command_line.py gives it a folder
    "folder_r3gan",
    "folder_restore",  # tests/test_restoration.py
    "folder_translate",
    "text_oracle",  # tests/test_texts.py: no picture
    "shakespeare",
    "folder_stylegan2",
    "benchmark_modes",  # many runs: tests/test_benchmark.py
    "benchmark_speed",  # no run: tests/test_timing.py
    "benchmark_restore",  # many runs: tests/test_restoration.py
    "benchmark_anomaly",  # many runs: tests/test_autoencoders.py
    "benchmark_limited_data",  # many runs: tests/test_overfitting.py
}


CLASSES = ("quality", "frechet", "classes", "rarest_share", "confident_share")
STACKED = ("modes", "modes", "kl", "frechet")
OWN_FEATURES = (
    "quality",
    "frechet",
    "precision",
    "recall",
    "density",
    "coverage",
    "data_copying",
)
# Each experiment's evaluator, and what it measures of the generated, the real and the noise.
FIGURES = {
    "captions": (
        "captions",
        *("digit", "color", "place", "new_digit", "new_color", "new_place"),
    ),
    "celeb_a_dcgan": OWN_FEATURES,
    "cifar10_biggan": CLASSES,
    "cifar10_conv": CLASSES,
    "cifar10_r3gan": CLASSES,
    "cifar10_sngan": CLASSES,
    "cifar10_stylegan2_ada": CLASSES,
    "digits_conditional": CLASSES,
    "digits_dcgan": CLASSES,
    "gaussian_mlp": ("scalars", "wasserstein_1", "mean", "std"),
    "limited_data": ("held_out", "frechet", "data_copying"),
    "markov_sequence": (
        "sequences",
        "lag_1_error",
        "lag_2_error",
        "lag_1",
        "std",
        "transition_nll",
    ),
    "mixture": ("modes", "modes", "high_quality_share", "kl", "width"),
    "mnist_anomaly": ("reconstruction", "auroc", "auprc"),
    "mnist_codes": ("codes", "error"),
    "mnist_conditional": CLASSES,
    "mnist_coupled": ("pairs", "agreement", "other_agreement"),
    "mnist_dcgan": CLASSES,
    "mnist_infogan": CLASSES,
    "mnist_mlp": CLASSES,
    "restore": CLASSES,
    "segment": ("masks", "mean_iou", "thing_iou", "boundary_f"),
    "mnist_semi_supervised": ("classes", "error"),
    "mnist_vae": CLASSES,
    "moving_mnist": (
        "clips",
        "frechet",
        "asked",
        "constant",
        "alike",
        "path_residual",
        "pace",
    ),
    "spoken_digit": ("recognized", "accuracy", "worst_class"),
    "stacked_mnist": STACKED,
    "stacked_mnist_dcgan": STACKED,
    "translate": CLASSES,
}
# The rows of those that are not measured beside real images and noise.
ROWS = {
    "captions": {"generated", "real", "shuffled"},
    "mnist_anomaly": {"generated", "PCA-2", "2-NN", "chance"},
    "mnist_codes": {"generated", "pixels"},
    "mnist_semi_supervised": {"generated", "nearest"},
    "restore": {"generated", "real", "input"},
    "segment": {"generated", "otsu", "all_thing"},
    "translate": {"generated", "real", "untranslated"},
}


def tiny_files(*, prepared):
    """Experiments that are run here: on prepared data sets, or on none (tests/test_image_experiments.py)."""
    files = [file for file in FILES if file.stem not in ELSEWHERE]
    return [file for file in files if ("data_dir: Path" in file.read_text()) == prepared]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_docstring_holds_the_command_and_the_file_needs_no_other(file):
    assert f"python {file.relative_to(ROOT)}" in load(file).__doc__
    check_alone(file)


def test_no_two_have_one_name():
    """A run is called by the name of its experiment's file, without its folder."""
    assert len({file.stem for file in FILES}) == len(FILES)


def test_a_file_that_imports_its_neighbor_is_refused(tmp_path, monkeypatch):
    (tmp_path / "shared_losses.py").touch()
    (tmp_path / "numpy.py").touch()  # as the installed package is called
    file = tmp_path / "mine.py"
    monkeypatch.syspath_prepend(str(tmp_path))
    for text, neighbor in (
        ("import json, numpy, gan_jax.losses", None),
        ("def f():\n    from shared_losses import hinge", "shared_losses"),
        ("from . import other", r"\."),
    ):
        file.write_text(text)
        if neighbor is None:
            check_alone(file)
        else:
            with pytest.raises(
                ValueError, match=f"mine.py imports {neighbor}, which lies beside it"
            ):
                check_alone(file)


def test_a_run_is_rebuilt_with_the_options_of_its_command(tmp_path):
    folder = RunFolder(tmp_path)
    shutil.copyfile(file_of("digits_dcgan"), folder.experiment_file)
    options = {"steps": 60, "save_every_steps": 20, "keep_every_steps": 40, "patience": 2,
               "evaluate_every_steps": 10, "steps_per_call": 5, "log_every_steps": 5,
               "sample_every_steps": 15, "best_metric": "classes"}  # fmt: skip
    config = {
        "experiment": "digits_dcgan",
        "arguments": {"steps": 40},
        "num_seeds": 2,
        "micro_batches": 4,
    }
    write_json(folder.config_file, config | {"options": options})
    built = rebuild(folder)
    assert {name: getattr(built, name) for name in options} == options
    assert built.num_seeds == 2 and built.game.micro_batches == 4


# tests/test_measuring.py and others train points, sequences and numbers, too
IN_CI = {"digits_conditional", "gaussian_mlp", "markov_sequence", "mixture"}


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(file, id=file.stem, marks=pytest.mark.thorough if file.stem in IN_CI else ())
        for file in tiny_files(prepared=False)
    ],
)
def test_tiny(file, tmp_path, monkeypatch, capsys):
    run_tiny(monkeypatch, file, tmp_path)
    assert f"samples  {tmp_path}" in capsys.readouterr().out
    check_run(tmp_path, file.stem)


def run_tiny(monkeypatch, file, run_dir, *args):
    """As the shell would, in this process."""
    monkeypatch.setattr(sys, "argv", [str(file), "--tiny", "--run-dir", str(run_dir), *args])
    monkeypatch.syspath_prepend(str(file.parent))
    source = file.read_text().replace('if __name__ == "__main__":', "if True:")
    exec(compile(source, str(file), "exec"), module_namespace(file))


def check_run(run_dir, name):
    """What a run leaves: figures, a log, pictures that show something."""
    rows = ROWS.get(name, {"generated", "real", "noise"})
    check_figures(read_figures(run_dir / "figures.jsonl"), rows, *FIGURES[name])
    check_log((run_dir / "metrics.jsonl").read_text().splitlines())
    pictures = list((run_dir / "artefacts").glob("*/step_*.png"))
    assert pictures
    for file in pictures:
        with Image.open(file) as picture:
            assert np.asarray(picture).std() > 1  # neither black nor white
    with Image.open(run_dir / "curves.png") as curves:
        assert curves.size[1] > 500  # a panel for each metric


def check_figures(lines, expected, evaluator, *figures):
    rows = {}
    for line in lines:
        if line["evaluator"] == evaluator and line["draw_seed"] != "evaluate":
            rows.setdefault(line["row"], {})[line["figure"]] = line["value"]
    assert rows.keys() >= expected  # classical methods may stand beside them
    for row in rows.values():
        assert set(row) == set(figures) and np.isfinite(list(row.values())).all()
    values = [tuple(row.values()) for row in rows.values()]
    assert len(set(values)) == len(values)


def check_log(lines):
    for name in {name for line in lines for name in json.loads(line)}:
        assert NAME.fullmatch(name), name  # pandas gives it a column as it is
    losses = [json.loads(line) for line in lines if "generator/loss" in line]
    assert losses and {"discriminator/loss", "generator/grad_norm"} <= losses[0].keys()
    for line in losses:
        assert np.isfinite(list(line.values())).all() and line["generator/grad_norm"] > 0


def module_namespace(file):
    """As a script has it; `inspect.getfile` of its functions leads to the file."""
    return {"__name__": f"tiny_{file.stem}", "__file__": str(file)}
