"""A run is measured with one command: what it says, writes and refuses."""

import dataclasses
from functools import partial

import jax
import numpy as np
import pytest
import tyro
from experiment_files import file_of, load
from test_experiments import PREPARED

from gan_jax.commands.command import Checkpoint
from gan_jax.commands.evaluate import evaluate as evaluation
from gan_jax.data import ArraySource, Data, digits, in_memory, pixels_to_real, tfds_source
from gan_jax.drawing import Drawn
from gan_jax.metrics.evaluators.images import distances, of_classifier
from gan_jax.metrics.networks.network import classifier_network, embed
from gan_jax.training.figures_log import read_figures, read_protocols
from gan_jax.training.runner import run
from gan_jax.training.sharding import rows_over_devices

FILE = file_of("digits_dcgan")
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


DISTANCES = {
    "frechet", "kernel", "inception_score", "precision", "recall", "density", "coverage",
    "sliced_wasserstein",
}  # fmt: skip


def test_the_command_writes_every_figure_with_its_protocol(run_dir, capsys):
    evaluation(run_dir, num_samples=200)
    out = capsys.readouterr().out
    assert "200 samples a row against 200 training images (the row real: other real images)" in out
    lines = [line for line in read_figures(run_dir / "figures.jsonl") if line["num"] == 200]
    for name, figures in (
        ("quality", {"frechet", "classes", "rarest_share", "confident_share"}),
        ("distances", DISTANCES),  # the digits are too small for MS-SSIM, and none are held out
    ):
        found = {(ln["row"], ln["figure"]): ln for ln in lines if ln["evaluator"] == name}
        assert {row for row, _ in found} == {"generated", "real", "noise"}
        assert {figure for _, figure in found} == figures
        value = {key: line["value"] for key, line in found.items()}
        assert value["real", "frechet"] < value["generated", "frechet"]
        assert value["real", "frechet"] < value["noise", "frechet"]
    ours = [line for line in lines if line["row"] == "generated"]
    assert {(ln["seed"], ln["step"], ln["weights"], ln["draw_seed"]) for ln in ours} == {
        (0, 4, "ema", 0)
    }
    protocols = read_protocols(run_dir / "protocols.json")
    told = protocols[lines[-1]["protocol"]]["protocol"]
    assert told.keys() >= {"description", "features_sha256", "resize", "data", "estimators"}


def test_the_same_command_says_the_same(run_dir):
    options = dict(num_samples=100, only=("distances",), checkpoint=Checkpoint(name=4))

    def added(**changes):
        before = len(read_figures(run_dir / "figures.jsonl"))
        evaluation(run_dir, **(options | changes))
        return read_figures(run_dir / "figures.jsonl")[before:]

    first = [line for line in added() if line["row"] == "generated"]
    assert added() == first  # the references are there already
    other = added(ema=False, seed=1)
    assert {(line["weights"], line["draw_seed"]) for line in other} == {("live", 1)}
    assert {line["protocol"] for line in other} == {line["protocol"] for line in first}


@pytest.mark.parametrize(
    "args, message",
    [
        (("--only", "ms-ssim"), "no evaluator ms-ssim: this experiment has quality, distances"),
        (("--inception", "none.pth"), "none.pth is missing: expected a file of weights"),
        (("--checkpoint", "3"), "no checkpoint of step 3"),
        (("--seed-index", "7"), "--seed-index must be in 0 .. 0, got 7"),
        (("--num-samples", "1"), "at least 2, got 1"),
    ],
)
def test_what_cannot_be_measured_is_said_in_one_message(run_dir, args, message, capsys):
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


@pytest.mark.thorough
def test_a_run_of_no_images_and_a_folder_of_no_run(tmp_path, capsys):
    scalars = file_of("gaussian_mlp")
    arguments = dict(steps=20, num_examples=100, widths=(8,))
    built = load(scalars).experiment(**arguments)
    built = dataclasses.replace(built, evaluate_every_steps=None)
    run(built, run_dir=tmp_path / "scalars", experiment_file=scalars, arguments=arguments)
    capsys.readouterr()
    evaluation(tmp_path / "scalars", seed=5)  # scalars are measured in the same way
    said = capsys.readouterr().out
    assert "Wasserstein-1" in said and "generated, step 20" in said and "real" in said
    with pytest.raises(SystemExit):
        evaluation(tmp_path)
    assert "is no run folder" in capsys.readouterr().err


# A metric orders real < lightly blurred < noisy < collapsed, or its docstring says what it is blind to.

WORSE_WHEN_LARGER = {"frechet", "kernel", "sliced_wasserstein", "ms_ssim"}
BLIND = {
    ("inception_score", "blurred"),  # a blurred digit is recognised
    ("precision", "blurred"),  # such samples crowd together in a classifier's features,
    ("precision", "noisy"),  # where real ones are dense
    ("precision", "collapsed"),  # one good digit over and over is precise
    ("density", "blurred"),
    ("density", "noisy"),
    ("ms_ssim", "blurred"),  # it sees variety, not likeness
    ("ms_ssim", "noisy"),
    ("data_copying", "blurred"),
    ("data_copying", "noisy"),
    ("data_copying", "collapsed"),
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
    held_out = in_memory(tfds_source(name, split="test", data_dir=PREPARED), fields=("image",))
    data = Data(source_fn=lambda: source, held_out_fn=lambda: held_out)
    evaluator = distances(data, num_samples=5000)
    blocks = data.rows("held_out", 5000, seed=1)
    samples = np.concatenate([rows["real"] for rows in blocks])
    noise = np.random.default_rng(1).normal(0, 0.5, samples.shape).astype(np.float32)
    rungs = {
        "real": samples,
        "blurred": blurred(samples + 1) - 1,
        "noisy": np.clip(samples + noise, -1, 1),
        "collapsed": samples[:1].repeat(5000, 0),
    }
    measured = {
        rung: evaluator.measure_fn(lambda images=images: [Drawn(images, {}, None)])
        for rung, images in rungs.items()
    }
    found = {
        rung: {figure: estimate.value for figure, estimate in figures.items()}
        for rung, figures in measured.items()
    }
    wrong = {}
    for name in found["real"]:
        values = {rung: found[rung][name] for rung in rungs if (name, rung) not in BLIND}
        better = sorted(values.values(), reverse=name not in WORSE_WHEN_LARGER)
        if list(values.values()) != better:
            wrong[name] = {rung: found[rung][name] for rung in rungs}
    assert wrong == {}


@pytest.mark.thorough
def test_large_images_have_ms_ssim_and_held_out_ones_tell_copies():
    """Samples that are the training images themselves are nearer to them than others are."""
    large = np.random.default_rng(0).integers(0, 255, (40, 16, 16, 1), np.uint8)
    source = ArraySource({"image": large, "label": np.arange(40) % 2})
    data = Data(source_fn=lambda: source, held_out_share=0.5)
    evaluator = distances(data, network_fn=partial(of_classifier, steps=2), num_samples=20)
    assert evaluator.figures.keys() == {*DISTANCES, "ms_ssim", "data_copying"}
    copies = np.concatenate([rows["real"] for rows in data.rows("training", 20)])
    found = evaluator.measure_fn(lambda: [Drawn(copies, {}, None)])
    assert found.keys() == evaluator.figures.keys()
    assert found["data_copying"].value == 1.0 and found["frechet"].value < 1e-6
