"""What a run folder records of its run: ``config.json``."""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gan_jax.training.batch_record import shapes_as_json
from gan_jax.training.compare_arrays import array_paths
from gan_jax.training.experiment import INTERVALS, Experiment
from gan_jax.training.first_batch import Batch
from gan_jax.training.restore import abstract_state

# Fields of an experiment that a command may set beside the arguments of its function.
OPTIONS = (
    "steps",
    "steps_per_call",
    *(f"{what}_every_steps" for what in INTERVALS),
    "keep_every_steps",
    "best_metric",
    "patience",
)


def configuration(
    experiment: Experiment,
    batch: Batch,
    experiment_file: Path | None = None,
    arguments: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The configuration of a run, as JSON.

    The arguments, the data and, of a run without a file, the paths and shapes of the state are
    compared when the run goes on; the rest is recorded only.

    Args:
        experiment: the experiment.
        batch: the shapes of one seed's batch.
        experiment_file: the Python file that defines the experiment; None of one without.
        arguments: with which the file's function was called.
    """
    return {
        "format": 2,
        "experiment": experiment_file and experiment_file.stem,
        **_identity(experiment, batch, experiment_file, arguments),
        "data": experiment.data.fingerprint(),
        "batch": shapes_as_json(batch),
        "names": {name: list(names) for name, names in experiment.data.names.items()},
        "num_seeds": experiment.num_seeds,
        "micro_batches": experiment.game.micro_batches,
        "options": {name: getattr(experiment, name) for name in OPTIONS},
        "versions": {name: version(name) for name in ("gan-jax", "jax", "flax", "optax")},
    }


def _identity(
    experiment: Experiment,
    batch: Batch,
    experiment_file: Path | None,
    arguments: dict[str, Any] | None,
) -> dict[str, Any]:
    """What says which run this is: the arguments of its file, or what can be seen without one."""
    if experiment_file is not None:
        return {"arguments": arguments or {}}
    size = experiment.batch_size
    seen = {
        "seed": experiment.seed,
        "steps": experiment.steps,
        "batch_size": dict(size) if isinstance(size, Mapping) else size,
    }
    return {"arguments": seen, "state": array_paths(abstract_state(experiment, batch))}
