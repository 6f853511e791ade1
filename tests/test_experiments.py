"""Every experiment file, shrunk: it builds, trains and judges."""

import importlib.util
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from image_sets import write_image_sets
from PIL import Image

ROOT = Path(__file__).parents[1]
DEVICES = 2
# Real data sets, for what random images cannot say.
PREPARED = Path(os.environ.get("TFDS_DATA_DIR", ROOT.parent / "shared" / "tfds"))
FILES = sorted((ROOT / "experiments").glob("*.py"))
ELSEWHERE = {
    "folder_dcgan",  # tests/test_command_line.py gives it a folder
    "benchmark_modes",  # many runs: tests/test_benchmark.py
}


CLASSES = ("classes of 10", "rarest class %", "confident %", "Frechet")
STACKED = ("modes of 1000", "KL to uniform", "Frechet")
# What each experiment's judge measures of the generated, the real and the noise.
FIGURES = {
    "cifar10_conv": CLASSES,
    "digits_dcgan": CLASSES,
    "gaussian_mlp": ("Wasserstein-1", "mean", "std"),
    "markov_sequence": ("lag-1 error", "lag-2 error", "lag-1", "std", "transition NLL"),
    "mixture": ("modes of 25", "high quality %", "KL", "width %"),
    "mnist_dcgan": CLASSES,
    "mnist_mlp": CLASSES,
    "stacked_mnist": STACKED,
    "stacked_mnist_dcgan": STACKED,
}


def load(file):
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def image_sets(tmp_path_factory):
    root = tmp_path_factory.mktemp("tfds")
    write_image_sets(root)
    return root


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_docstring_holds_the_command(file):
    assert f"python experiments/{file.name}" in load(file).__doc__


@pytest.mark.parametrize(
    "file", [file for file in FILES if file.stem not in ELSEWHERE], ids=lambda file: file.stem
)
@pytest.mark.filterwarnings("ignore:.*mutable default.*")
def test_tiny(file, image_sets, tmp_path, monkeypatch, capsys):
    args = ["--tiny", "--run-dir", str(tmp_path)]
    if "data_dir" in load(file).experiment.__kwdefaults__:
        args += ["--data-dir", str(image_sets)]
    monkeypatch.setattr(sys, "argv", [str(file), *args])
    monkeypatch.syspath_prepend(str(file.parent))
    source = file.read_text().replace('if __name__ == "__main__":', "if True:")
    exec(compile(source, str(file), "exec"), module_namespace(file))
    assert f"samples  {tmp_path}" in capsys.readouterr().out
    check_summary(json.loads((tmp_path / "summary.json").read_text()), FIGURES[file.stem])
    check_log((tmp_path / "metrics.jsonl").read_text().splitlines())
    for file in (tmp_path / "samples").glob("step_*.png"):
        with Image.open(file) as picture:
            assert np.asarray(picture).std() > 1  # neither black nor white
    with Image.open(tmp_path / "curves.png") as curves:
        assert curves.size[1] > 500  # a panel for each metric


def check_summary(summary, figures):
    rows = summary["figures"]["rows"]
    assert [name for name in rows if not name.startswith("best")] == ["generated", "real", "noise"]
    for row in rows.values():
        assert tuple(row) == figures and np.isfinite(list(row.values())).all()
    assert rows["generated"] != rows["real"] != rows["noise"]


def check_log(lines):
    losses = [json.loads(line) for line in lines if "generator/loss" in line]
    assert losses and {"discriminator/loss", "generator/grad_norm"} <= losses[0].keys()
    for line in losses:
        assert np.isfinite(list(line.values())).all() and line["generator/grad_norm"] > 0


def module_namespace(file):
    """As a script has it; `inspect.getfile` of its functions leads to the file."""
    return {"__name__": f"tiny_{file.stem}", "__file__": str(file)}
