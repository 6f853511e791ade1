"""Training an experiment that was built in a notebook or a program, without a file of its own."""

from collections.abc import Collection
from pathlib import Path
from typing import Literal

from gan_jax.training.checksums import saved_steps
from gan_jax.training.experiment import Experiment
from gan_jax.training.run import Run
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.runner import run


def train(
    experiment: Experiment,
    run_dir: str | Path,
    *,
    resume: bool = True,
    parallel: Literal["jit", "shard_map", "pmap"] = "jit",
    parameter_shards: int = 1,
    allow_changed: Collection[str] = (),
    from_step: int | None = None,
) -> Run:
    """Trains an experiment that was built here, such as in a notebook; the folder gets all that a run has.

    An old run in the folder goes on, to the last bit as if it had never stopped, where its state's
    paths and shapes, data, seed and batch size are those of the experiment. A changed loss or
    learning rate cannot be seen there: that takes a file, ``python FILE.py --run-dir ...``.

    Args:
        experiment: the experiment.
        run_dir: the run folder; made if it is not there.
        resume: whether a run that is there may go on.
        parallel: the arrangement over all devices.
        parameter_shards: over how many of them each network is cut, in the arrangement ``jit``.
        allow_changed: fields that may be others than the old run's, as a message names them.
        from_step: goes back to this checkpoint first; what is later is set aside, not deleted.

    Raises:
        FileExistsError: there is a run in the folder, and ``resume`` is off.
        OSError: the folder cannot be written, or another process trains in it.
        ValueError: the folder holds another run, or the experiment does not fit the machine.
        Interrupted: a signal came, such as that of a notebook's stop button; everything is saved.
    """
    folder = RunFolder(run_dir)
    if not resume and saved_steps(folder.checkpoints):
        raise FileExistsError(
            f"{folder.path} holds a run already: name another folder, or let it go on with resume=True"
        )
    run(
        experiment,
        run_dir=folder.path,
        parallel=parallel,
        parameter_shards=parameter_shards,
        allow_changed=allow_changed,
        from_step=from_step,
    )
    return Run(folder.path, experiment=experiment)
