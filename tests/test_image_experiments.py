"""The experiments on prepared data sets, shrunk, on random images in the format of these sets.

Each is built, and its step and its samples are traced. One of each theme is also compiled and run; the others are,
too, in ``.ci/run`` or on demand.
"""

import inspect

import jax
import pytest
from experiment_files import load
from test_experiments import FIGURES, check_run, run_tiny, tiny_files

from gan_jax.game import make_train_step
from gan_jax.training.experiment import feed_of, samplers_of
from gan_jax.training.first_batch import batch_shapes
from gan_jax.training.restore import abstract_state

DEVICES = 2
FILES = tiny_files(prepared=True)
RUN_BY_A_PLAIN_PYTEST = {"mnist_dcgan", "mnist_infogan", "stacked_mnist"}
# their networks are also compiled, narrow and small, in tests/test_families.py and tests/test_stylegan2.py
RUN_ON_DEMAND = {
    "cifar10_biggan",
    "cifar10_r3gan",
    "cifar10_sngan",
    "cifar10_stylegan2_ada",
    "mnist_coupled",  # tests/test_coupled.py
}


def when_asked(file):
    if file.stem in RUN_BY_A_PLAIN_PYTEST:
        return pytest.param(file, id=file.stem)
    marks = pytest.mark.slow if file.stem in RUN_ON_DEMAND else pytest.mark.thorough
    return pytest.param(file, id=file.stem, marks=marks)


@pytest.mark.parametrize("file", [when_asked(file) for file in FILES])
@pytest.mark.filterwarnings("ignore:.*mutable default.*")
def test_tiny(file, image_sets, tmp_path, monkeypatch, capsys):
    run_tiny(monkeypatch, file, tmp_path, "--data-dir", str(image_sets))
    assert f"samples  {tmp_path}" in capsys.readouterr().out
    check_run(tmp_path, FIGURES[file.stem])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_is_built_and_traced(file, image_sets):
    function = load(file).experiment
    names = inspect.signature(function).parameters
    small = {"split": "train[:64]", "held_out_split": "test[:64]", "batch_size": 8}
    small["data_dir"] = image_sets
    built = function(**{name: value for name, value in small.items() if name in names})
    shapes = batch_shapes(built, feed_of(built))
    state = abstract_state(built, shapes)
    step = make_train_step(built.game, built.play)
    after, metrics = jax.eval_shape(step, state, shapes, jax.eval_shape(lambda: jax.random.key(0)))
    assert jax.tree.structure(after) == jax.tree.structure(state)
    assert {"discriminator/loss", "generator/loss"} <= metrics.keys()
    samplers_of(built, built.data.first(4)).check(state)
