"""A run as an object: what is in its folder, and what can be drawn from it and measured.

run = gan_jax.open_run("runs/digits_dcgan")
run.metrics(), run.figures(), run.artefacts("samples"), run.status()   # files only
run.draw(64, seed=1).samples, run.evaluate("quality")                  # the run's own code
"""

import sys
from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import Any

from gan_jax.drawing import Drawn, Sampler
from gan_jax.drawing.artefacts import read_artefacts
from gan_jax.game import GANState
from gan_jax.training.checksums import saved_steps
from gan_jax.training.experiment import Experiment, rebuild
from gan_jax.training.figures_log import Line, read_figures
from gan_jax.training.given import load_given
from gan_jax.training.json_files import read_lines
from gan_jax.training.restore import CheckpointName, member_at, state_at
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.run_log import read_metrics
from gan_jax.training.saved import measure, sampler_of
from gan_jax.training.status import Status, read_status


class Run:
    """A run folder. Everything is read when it is asked for, so a run that trains is seen as it is then.

    ``checkpoint`` is ``"last"``, ``"best"`` or the number of a step that was saved. ``"best"`` is the
    step that was chosen while training; of a run that keeps none (only one with
    ``evaluate_every_steps`` does), it is the last.

    Args:
        path: the run folder.
        experiment: of a run without a file, what was trained.
        data_dir: where the data lies now; without it, where the run had it.
        trust: whether the experiment's file in the folder may be executed though it is a
            stranger's (:mod:`gan_jax.training.trust`).

    Raises:
        FileNotFoundError: this is no run folder.
        ValueError: both an experiment and a place of its data are given.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        experiment: Experiment | None = None,
        data_dir: str | Path | None = None,
        trust: bool = False,
    ):
        if experiment is not None and data_dir is not None:
            raise ValueError("data_dir is for a run with a file: an experiment has its data")
        self._folder, self._given_experiment, self._data_dir = RunFolder(path), experiment, data_dir
        self._trust = trust
        self._folder.config()  # says what is wrong where this is no run folder

    @property
    def path(self) -> Path:
        """The folder."""
        return self._folder.path

    @property
    def config(self) -> dict[str, Any]:
        """What ``config.json`` says: experiment, arguments, data, options, versions."""
        return self._folder.config()

    def metrics(self) -> list[dict]:
        """The lines of ``metrics.jsonl``: what the steps reported; they hold different columns."""
        return read_metrics(self._folder.metrics_file)

    def history(self) -> list[dict]:
        """The lines of ``history.jsonl``: each start with its command, versions, and what had changed."""
        return read_lines(self._folder.history_file)

    def figures(self) -> list[Line]:
        """The lines of ``figures.jsonl``: what was measured, each with its error and protocol."""
        return read_figures(self._folder.figures_file)

    def artefacts(self, name: str = "samples") -> dict[int, Path]:
        """The files of an artefact, by their steps.

        Args:
            name: of the artefact, as the experiment calls it.

        Raises:
            ValueError: the run has none of that name.
        """
        old = read_artefacts(self.path).get("samples")  # a folder of format 1
        found = ({"samples": old} if old else {}) | read_artefacts(self._folder.artefacts)
        if name not in found:
            raise ValueError(f"{self.path} has no artefact {name!r}: it has {_list(found)}")
        return found[name]

    def status(self) -> Status:
        """How the run stands: steps, checkpoints, the best, who trains in it, what comes next."""
        return read_status(self.path)

    @cached_property
    def experiment(self) -> Experiment:
        """The experiment: that which was given, or the run's own, rebuilt from the code in its folder.

        Raises:
            ValueError: the run has no file, and no experiment was given.
        """
        if self._given_experiment is not None:
            return self._given_experiment
        return rebuild(self._folder, data_dir=self._data_dir, trust=self._trust)

    def state(self, checkpoint: CheckpointName = "best") -> GANState:
        """A saved state; of several seeds, all of them on a leading axis.

        Args:
            checkpoint: which.

        Raises:
            FileNotFoundError: nothing was saved.
            ValueError: no checkpoint of that step, or it cannot be read.
        """
        if checkpoint == "best" and not saved_steps(self._folder.best):
            checkpoint = "last"
        return state_at(self._folder, self.experiment, checkpoint)

    def sampler(
        self,
        checkpoint: CheckpointName = "best",
        *,
        seed: int | None = None,
        ema: bool = True,
        seed_index: int = 0,
    ) -> Sampler:
        """What draws from a saved state; the rows that samples are made from are those in the folder.

        Args:
            checkpoint: which.
            seed: of the latents; None takes those of the run's own pictures.
            ema: the generator's moving average; else its live weights.
            seed_index: which of a run of several seeds, from 0.

        Raises:
            FileNotFoundError: nothing was saved.
            ValueError: there is no such checkpoint or seed.
        """
        state = member_at(self.state(checkpoint), self.experiment, seed_index)
        given = load_given(self._folder.given_file)
        return sampler_of(self.experiment.members[seed_index], state, given, seed=seed, ema=ema)

    def draw(
        self,
        num: int = 64,
        *,
        checkpoint: CheckpointName = "best",
        seed: int | None = None,
        ema: bool = True,
        seed_index: int = 0,
        **options: Any,
    ) -> Drawn:
        """Samples, with what they were made from; sample i is the same for every number.

        Args:
            num: how many.
            checkpoint: as of :meth:`sampler`, and so the next three.
            seed: of the latents.
            ema: the moving average.
            seed_index: which seed.
            **options: a number for all samples: one of the experiment's ``draw_options``
                (``truncation=0.7``) or of the fields that samples are made from (``condition=7``);
                or ``rows`` of your own.

        Raises:
            FileNotFoundError: nothing was saved.
            ValueError: there is no such checkpoint, seed or option.
        """
        fields = load_given(self._folder.given_file)
        known = {*self.experiment.draw_options, *fields, "rows"} - {"id"}
        if unknown := [name for name in options if name not in known]:
            raise ValueError(f"drawing takes no {', '.join(unknown)}: it takes {_list(known)}")
        sampler = self.sampler(checkpoint, seed=seed, ema=ema, seed_index=seed_index)
        return sampler.draw(num, **options)

    def evaluate(
        self,
        *only: str,
        checkpoint: CheckpointName = "best",
        seed: int = 0,
        num_samples: int | None = None,
        ema: bool = True,
        seed_index: int = 0,
    ) -> list[Line]:
        """Measures a saved state, and adds the figures to ``figures.jsonl``.

        Args:
            *only: names of evaluators; all of them without.
            checkpoint: as of :meth:`sampler`.
            seed: of the latents, which are others than those that training measured with.
            num_samples: another number of samples than the evaluators take by themselves.
            ema: the moving average.
            seed_index: which seed.

        Returns:
            A line for each figure, also of the references. One that failed is None, and is said.

        Raises:
            FileNotFoundError: nothing was saved.
            ValueError: there is no such evaluator, checkpoint or seed.
        """
        state = member_at(self.state(checkpoint), self.experiment, seed_index)
        member = self.experiment.members[seed_index]
        lines, failed = measure(
            self._folder, member, state, only or None, seed=seed, num_samples=num_samples, ema=ema
        )
        for name, error in failed.items():
            print(f"warning: {name} failed ({type(error).__name__}: {error})", file=sys.stderr)
        return lines

    def __repr__(self) -> str:
        config, saved, best = (
            self.config,
            saved_steps(self._folder.checkpoints),
            saved_steps(self._folder.best),
        )
        told = [f"step {saved[-1]:,} is saved" if saved else "no checkpoint yet"]
        told += [f"best at step {best[-1]:,}"] if best else []
        name = config.get("experiment") or "an experiment without a file"
        return f"<Run {self.path}: {name}, {', '.join(told)}>"


def open_run(
    path: str | Path,
    *,
    experiment: Experiment | None = None,
    data_dir: str | Path | None = None,
    trust: bool = False,
) -> Run:
    """Opens a run folder; its code is loaded only by what draws or measures.

    Args:
        path: the run folder.
        experiment: of a run without a file (of a notebook), what was trained.
        data_dir: where the data lies now; without it, where the run had it.
        trust: whether its code may be executed though it is a stranger's: neither trained with on
            this machine nor an experiment of the repository.

    Raises:
        FileNotFoundError: this is no run folder.
    """
    return Run(path, experiment=experiment, data_dir=data_dir, trust=trust)


def _list(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"
