"""Judges a run: ``python -m gan_jax evaluate RUN --num-samples 10000 --checkpoint best``.

Every figure stands beside those of held-out real images (the best to be had) and of noise, and
``evaluation.json`` in the run folder holds each with its whole protocol.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import jax
import numpy as np
import tyro
from PIL import Image
from tqdm import tqdm

from gan_jax.data import ArraySource, in_memory, pixels_to_real
from gan_jax.drawing.pictures import neighbours_picture, save_picture
from gan_jax.game import GANState
from gan_jax.metrics import evaluation
from gan_jax.metrics.evaluation import Figure, MetricName, Sets, left_out
from gan_jax.metrics.feature_networks import Embedded, FeatureNetwork, embed, inception_network
from gan_jax.metrics.judgement import aligned
from gan_jax.metrics.neighbours import nearest
from gan_jax.metrics.published_weights import published_weights
from gan_jax.training.command_line import exit_with_message
from gan_jax.training.drawing import Drawer
from gan_jax.training.experiment import Experiment, rebuild
from gan_jax.training.given import load_given
from gan_jax.training.placement import rows_over_devices
from gan_jax.training.run_folder import RunFolder, write_json
from gan_jax.training.states import CheckpointName, member_of_seed, state_at, step_of


def evaluate(
    run: Annotated[Path, tyro.conf.Positional],
    /,
    *,
    num_samples: int = 10_000,
    metrics: tuple[MetricName, ...] | None = None,
    checkpoint: CheckpointName = "last",
    live: bool = False,
    of_seed: int | None = None,
    seed: int = 0,
    inception: Path | None = None,
    resize: Literal["clean", "legacy"] = "clean",
    data_dir: Path | None = None,
    debug: bool = False,
) -> None:
    """Judges a checkpoint of a run of images, and writes evaluation.json.

    Args:
        run: the run folder.
        num_samples: generated, and of real ones in each set; fewer where the data hold fewer.
        metrics: which; all that these images have by default.
        checkpoint: last, best (by the metric that was measured during training), or the number of a
            step.
        live: the live generator instead of its moving average.
        of_seed: which of a run of several seeds; without it, the first.
        seed: of the latents, the choice of real images, subsets and directions.
        inception: the Inception network looks, with the weights of this file, or ``published``:
            those are downloaded on first use. Without it, the experiment's own classifier looks.
        resize: for the Inception network, that of clean-fid or of the first program.
        data_dir: where the data lies now; without it, where the run had it.
        debug: show the traceback of an error.
    """
    exit_with_message(
        lambda: _evaluation(
            run, num_samples, metrics, checkpoint, live, of_seed, seed, inception, resize, data_dir
        ),
        debug=debug,
    )


def _evaluation(
    run, num_samples, metrics, checkpoint, live, of_seed, seed, inception, resize, data_dir
) -> None:
    folder = RunFolder(run)
    experiment = rebuild(folder, **({} if data_dir is None else {"data_dir": str(data_dir)}))
    judged = _judged(folder, experiment, checkpoint, of_seed, live)
    training, held_out = _sources(experiment)
    network = _network(experiment, training, inception, resize)
    reference, others = _choose(training, held_out, num_samples, seed)
    num = len(reference)
    # latents of its own: the best step was chosen with those of the run
    drawer = Drawer(judged.experiment, load_given(folder.given_file), seed=seed, purpose="evaluate")
    rows = {
        "reference": _real(reference),
        "generated": drawer.batches(jax.device_put(judged.state), num, ema=judged.ema),
        "real, held out": _real(others),
        "noise": _noise(others, seed),
    }
    seen = {name: _look(network, batches, name, num) for name, batches in rows.items()}
    sets = Sets(seen.pop("reference"), seen["real, held out"] if held_out else None)
    found = _measure(seen, sets, metrics, seed)
    protocol = {
        "features": network.description,
        "features_sha256": network.fingerprint,
        "resize": network.resize,
        "num_samples": num,
        "num_reference": num,
        "held_out": "not trained on" if held_out else "trained on, not the reference",
        "data": folder.config()["data"],
        "split": folder.config()["arguments"].get("split"),
        "seed": seed,
        "run_seed": judged.experiment.seed,
        "step": judged.step,
        "weights": "moving average" if judged.ema else "live",
    }
    save_picture(_neighbours(seen["generated"], sets.reference, reference), folder.neighbours_file)
    _tell(folder, found, protocol)


class _Judged(NamedTuple):
    """The run of one seed, the state that is judged, and whether it is judged by its EMA."""

    experiment: Experiment
    state: GANState
    step: int
    ema: bool


def _judged(
    folder: RunFolder,
    experiment: Experiment,
    checkpoint: CheckpointName,
    of_seed: int | None,
    live: bool,
) -> _Judged:
    state = state_at(folder, experiment, checkpoint)
    index, member = member_of_seed(state, experiment, of_seed)
    return _Judged(experiment.members[index], member, step_of(state), not live)


def _look(network: FeatureNetwork, batches: Iterator[np.ndarray], name: str, num: int) -> Embedded:
    bar = tqdm(batches, desc=f"looking at {name}", total=-(-num // 250), leave=False)
    return embed(network, bar, put_fn=rows_over_devices())


def _measure(
    seen: dict[str, Embedded], sets: Sets, metrics: tuple[MetricName, ...] | None, seed: int
) -> dict[str, list[Figure]]:
    """The figures of each row; says which metrics are left out where none were asked for."""
    if metrics is None:
        for name, needed in left_out(seen["generated"], sets).items():
            print(f"left out: {name}, which needs {needed}")
    return {
        name: evaluation.evaluate(samples, sets, metrics=metrics, seed=seed)
        for name, samples in tqdm(seen.items(), desc="measuring", leave=False)
    }


def _tell(folder: RunFolder, found: dict[str, list[Figure]], protocol: dict[str, Any]) -> None:
    """Writes every figure with its protocol, and prints the table."""
    lines = [
        {"row": row, **_as_json(figure), **protocol}
        for row, figures in found.items()
        for figure in figures
    ]
    write_json(folder.evaluation_file, lines)
    print(_table(found))
    print(
        f"{protocol['num_samples']} samples a row against {protocol['num_reference']} real ones; step "
        f"{protocol['step']}, {protocol['weights']}; features: {protocol['features']}; resize: "
        f"{protocol['resize']}"
    )
    print(f"all of it  {folder.evaluation_file}\nneighbours {folder.neighbours_file}")


def _sources(experiment: Experiment) -> tuple[ArraySource, ArraySource | None]:
    """The training images, and images that are not trained on where the experiment names some."""
    source = in_memory(experiment.source_fn())
    if "image" not in source.arrays:
        raise ValueError(
            f"this run's data are no images but {sorted(source.arrays)}: its own figures are in summary.json"
        )
    return source, in_memory(experiment.held_out_fn()) if experiment.held_out_fn else None


def _network(
    experiment: Experiment, source: ArraySource, inception: Path | None, resize: str
) -> FeatureNetwork:
    if inception is not None:
        file = published_weights() if inception == Path("published") else inception
        return inception_network(file, resize=resize)
    if experiment.features_fn is None:
        raise ValueError(
            "this experiment names no network that looks at its images (features_fn): give the Inception "
            "network's weights with --inception FILE, or --inception published"
        )
    return experiment.features_fn(source)


def _choose(
    training: ArraySource, held_out: ArraySource | None, num: int, seed: int
) -> tuple[ArraySource, ArraySource]:
    """As many training images, and as many others, at random: of the held-out ones, or the rest."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(training))
    if held_out is None:
        num = min(num, len(training) // 2)
        return ArraySource(training[order[:num]]), ArraySource(training[order[num : 2 * num]])
    num = min(num, len(training), len(held_out))
    others = random.permutation(len(held_out))[:num]
    return ArraySource(training[order[:num]]), ArraySource(held_out[others])


def _real(source: ArraySource):
    for start in range(0, len(source), 250):
        yield np.asarray(pixels_to_real(source[start : start + 250])["real"])


def _noise(source: ArraySource, seed: int):
    random = np.random.default_rng(seed)
    for images in _real(source):
        yield random.uniform(-1.0, 1.0, images.shape).astype(np.float32)


def _neighbours(samples: Embedded, seen: Embedded, reference: ArraySource) -> Image.Image:
    """The first samples, and the real images nearest to each in the features."""
    shown = min(8, len(samples.images))
    numbers, _ = nearest(samples.features[:shown], seen.features, k=min(5, len(seen.features)))
    near = np.asarray(pixels_to_real(reference[numbers.ravel()])["real"])
    return neighbours_picture(samples.images[:shown], near.reshape(*numbers.shape, *near.shape[1:]))


def _as_json(figure: Figure) -> dict[str, Any]:
    value, error = figure.estimate
    return {
        "metric": figure.name,
        "value": value,
        "standard_error": error,
        "estimator": figure.estimator,
    }


def _table(found: dict[str, list[Figure]]) -> str:
    """A line for each figure, a column for each row of samples."""
    names = [figure.name for figure in next(iter(found.values()))]
    lines = [["", *found]]
    for index, name in enumerate(names):
        lines.append([name, *(str(figures[index].estimate) for figures in found.values())])
    return aligned(lines)
