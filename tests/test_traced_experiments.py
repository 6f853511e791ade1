"""The experiments on prepared data sets that a plain pytest does not run: each is built, and its step and samples traced."""

import inspect

import jax
import pytest
from experiment_files import load
from test_experiments import tiny_files
from test_image_experiments import RUN_BY_A_PLAIN_PYTEST

from gan_jax.game import make_train_step
from gan_jax.training.experiment import feed_of, samplers_of
from gan_jax.training.first_batch import batch_shapes
from gan_jax.training.restore import abstract_state

DEVICES = 1
FILES = [file for file in tiny_files(prepared=True) if file.stem not in RUN_BY_A_PLAIN_PYTEST]


def when_asked(file):
    deep = file.stem in {
        "cifar10_biggan",
        "cifar10_r3gan",
        "cifar10_sngan",
        "cifar10_stylegan2_ada",
    }
    long = file.stem in {"captions", "translate", "restore", "segment", "moving_mnist", "mnist_vae"}
    return pytest.param(
        file, id=file.stem, marks=pytest.mark.slow if deep else pytest.mark.thorough if long else ()
    )


@pytest.mark.parametrize("file", [when_asked(file) for file in FILES])
def test_it_is_built_and_traced(file, image_sets):
    function = load(file).experiment
    names = inspect.signature(function).parameters
    # the recordings are few: a part of them would have no first takes
    part, rows = ("train", 16) if file.stem == "spoken_digit" else ("train[:64]", 32)
    small = {"split": part, "held_out_split": "test[:64]", "batch_size": rows}
    small |= {"data_dir": image_sets, "num_masks": 32, "num_labels": 20, "abnormal": True}
    built = function(**{name: value for name, value in small.items() if name in names})
    shapes = batch_shapes(built, feed_of(built))
    state = abstract_state(built, shapes)
    step = make_train_step(built.game, built.play)
    after, metrics = jax.eval_shape(step, state, shapes, jax.eval_shape(lambda: jax.random.key(0)))
    assert jax.tree.structure(after) == jax.tree.structure(state)
    assert {"discriminator/loss", "generator/loss"} <= metrics.keys()
    samplers_of(built, built.data.first(4)).check(state)
