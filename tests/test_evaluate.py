"""A run is judged with one command: what it says, writes and refuses."""

import dataclasses
import json
from pathlib import Path

import jax
import numpy as np
import pytest
import tyro
from test_experiments import PREPARED, load

from gan_jax.commands.evaluate import evaluate as evaluation
from gan_jax.data import digits, in_memory, pixels_to_real, tfds_source
from gan_jax.metrics.evaluation import Sets, evaluate, left_out
from gan_jax.metrics.feature_networks import classifier_network, embed
from gan_jax.training.placement import rows_over_devices
from gan_jax.training.runner import run

FILE = Path(__file__).parents[1] / "experiments" / "digits_dcgan.py"
TINY = dict(steps=4, batch_size=16, generator_widths=(8, 4), discriminator_widths=(4, 8))


@pytest.fixture(scope="module")
def network():
    return classifier_network(digits(), steps=50)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    path = tmp_path_factory.mktemp("run")
    arguments = {**TINY, "classifier_steps": 50}
    built = load(FILE).experiment(**arguments)
    run(built, run_dir=path, experiment_file=FILE, arguments=arguments)
    return path


def images(num=100, seed=0):
    rows = np.random.default_rng(seed).permutation(1797)[:num]
    return np.asarray(pixels_to_real(digits()[rows])["real"])


def test_batches_and_devices_do_not_matter(network):
    whole = embed(network, [images(500)])
    assert whole.features.shape == (500, 64) and whole.logits.shape == (500, 10)
    parts = np.split(images(500), [3, 100, 480])
    assert len(jax.devices()) == 8
    for other in (embed(network, iter(parts)), embed(network, parts, put_fn=rows_over_devices())):
        np.testing.assert_allclose(other.features, whole.features, atol=1e-5)
        np.testing.assert_array_equal(other.images, whole.images)
    assert len(embed(network, parts, keep_images=7).images) == 7


@pytest.mark.parametrize(
    "wrong, message",
    [
        (127.5 * (images() + 1), r"must lie in \[-1, 1\], got values from 0 to 255: for pixels"),
        ((images() + 1) / 2, r"for images in \[0, 1\], 2 \* image - 1"),
        (images() * np.nan, "NaN or infinity"),
    ],
)
def test_images_of_another_range_are_refused(network, wrong, message):
    with pytest.raises(ValueError, match=message):
        embed(network, [wrong])
    with pytest.raises(ValueError, match="no images"):
        embed(network, [])


def test_the_command_writes_every_figure_with_its_protocol(run_dir, capsys):
    evaluation(run_dir, num_samples=200, checkpoint="last")
    out = capsys.readouterr().out
    assert "left out: ms-ssim, which needs images of at least 11x11 pixels" in out
    assert "left out: memorisation, which needs real images that were not trained on" in out
    assert "200 samples a row against 200 real ones; step 4, moving average" in out
    lines = json.loads((run_dir / "evaluation.json").read_text())
    assert {line["row"] for line in lines} == {"generated", "real, held out", "noise"}
    assert {line["metric"] for line in lines} == {
        "frechet", "frechet-infinity", "kernel", "inception-score", "precision", "recall", "density",
        "coverage", "sliced-wasserstein",
    }  # fmt: skip
    for line in lines:
        assert line.keys() == {
            "row", "metric", "value", "standard_error", "estimator", "features", "features_sha256",
            "resize", "num_samples", "num_reference", "held_out", "data", "split", "seed", "run_seed",
            "step", "weights",
        }  # fmt: skip
    value = {(line["row"], line["metric"]): line["value"] for line in lines}
    assert value["real, held out", "frechet"] < value["generated", "frechet"]
    assert value["real, held out", "frechet"] < value["noise", "frechet"]


def test_the_same_command_says_the_same(run_dir):
    options = dict(num_samples=100, metrics=("frechet", "kernel"), checkpoint=4)
    evaluation(run_dir, **options)
    first = (run_dir / "evaluation.json").read_text()
    evaluation(run_dir, **options)
    assert (run_dir / "evaluation.json").read_text() == first
    evaluation(run_dir, **options, live=True, seed=1)
    (line, *_) = json.loads((run_dir / "evaluation.json").read_text())
    assert line["weights"] == "live" and line["seed"] == 1 and line["step"] == 4


@pytest.mark.parametrize(
    "args, message",
    [
        (("--metrics", "ms-ssim"), "ms-ssim needs images of at least 11x11 pixels"),
        (("--metrics", "memorisation"), "memorisation needs real images that were not trained on"),
        (("--inception", "none.pth"), "none.pth is missing: expected a file of weights"),
        (("--checkpoint", "3"), "no checkpoint of step 3"),
        (("--checkpoint", "best"), "has no best checkpoint"),
        (("--of-seed", "7"), "--of-seed must be in 0 .. 0, got 7"),
        (("--num-samples", "1"), "must be"),
    ],
)
def test_what_cannot_be_judged_is_said_in_one_message(run_dir, args, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        tyro.cli(evaluation, args=[str(run_dir), *args])
    assert stopped.value.code == 1
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error


def test_a_run_that_saved_nothing(run_dir, tmp_path, capsys):
    for name in ("config.json", "experiment.py"):
        (tmp_path / name).write_text((run_dir / name).read_text())
    with pytest.raises(SystemExit):
        evaluation(tmp_path)
    assert "has no checkpoint yet: train for longer" in capsys.readouterr().err


def test_a_run_of_no_images_and_a_folder_of_no_run(tmp_path, capsys):
    scalars = FILE.with_name("gaussian_mlp.py")
    arguments = dict(steps=20, num_examples=100, widths=(8,))
    built = load(scalars).experiment(**arguments)
    built = dataclasses.replace(built, judge_fn=None, measure_every_steps=None, num_pictured=64)
    run(built, run_dir=tmp_path / "scalars", experiment_file=scalars, arguments=arguments)
    for folder, message in (
        (tmp_path, "is no run folder"),
        (tmp_path / "scalars", "this run's data are no images but ['real']"),
    ):
        with pytest.raises(SystemExit):
            evaluation(folder)
        assert message in capsys.readouterr().err


# A metric orders real < lightly blurred < noisy < collapsed, or its docstring says what it is blind to.

WORSE_WHEN_LARGER = {"frechet", "frechet-infinity", "kernel", "sliced-wasserstein", "ms-ssim"}
BLIND = {
    ("inception-score", "blurred"),  # a blurred digit is recognised
    ("precision", "blurred"),  # such samples crowd together in a classifier's features,
    ("precision", "noisy"),  # where real ones are dense
    ("precision", "collapsed"),  # one good digit over and over is precise
    ("density", "blurred"),
    ("density", "noisy"),
    ("ms-ssim", "blurred"),  # it sees variety, not likeness
    ("ms-ssim", "noisy"),
    ("closer than held-out", "blurred"),
    ("closer than held-out", "noisy"),
    ("closer than held-out", "collapsed"),
}


def blurred(samples):
    kernel = np.array([0.25, 0.5, 0.25])
    for axis in (1, 2):
        samples = np.apply_along_axis(np.convolve, axis, samples, kernel, "same")
    return samples.astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_the_ladder_of_real_images(name):
    if not (PREPARED / name).is_dir():
        pytest.skip(f"no prepared {name} in {PREPARED}")
    source = in_memory(tfds_source(name, data_dir=PREPARED), fields=("image", "label"))
    looker = classifier_network(source, steps=1000)
    order = np.random.default_rng(0).permutation(len(source))
    training, held_out, samples = (
        np.asarray(pixels_to_real(source[order[i : i + 5000]])["real"]) for i in (0, 5000, 10_000)
    )
    noise = np.random.default_rng(1).normal(0, 0.5, samples.shape).astype(np.float32)
    rungs = {
        "real": samples,
        "blurred": blurred(samples + 1) - 1,
        "noisy": np.clip(samples + noise, -1, 1),
        "collapsed": samples[:1].repeat(5000, 0),
    }
    sets = Sets(embed(looker, [training]), embed(looker, [held_out]))
    found = {
        rung: {f.name: f.estimate.value for f in evaluate(embed(looker, [images]), sets)}
        for rung, images in rungs.items()
    }
    wrong = {}
    for name in found["real"]:
        values = {rung: found[rung][name] for rung in rungs if (name, rung) not in BLIND}
        better = sorted(values.values(), reverse=name not in WORSE_WHEN_LARGER)
        if list(values.values()) != better:
            wrong[name] = {rung: found[rung][name] for rung in rungs}
    assert wrong == {}


def test_every_metric_is_there_or_says_why(network):
    seen = embed(network, [images(100)])
    assert set(left_out(seen, Sets(seen))) == {"ms-ssim", "memorisation"}
    large = seen._replace(images=np.zeros((4, 16, 16, 1), np.float32))
    assert left_out(large, Sets(seen, seen)) == {}
