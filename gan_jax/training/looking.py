"""What is looked at while a run trains: a picture of samples, and the health of the game."""

from typing import Any

import jax
import numpy as np
from PIL import Image

from gan_jax.data.prepare import first_rows
from gan_jax.game import GANState, Shown
from gan_jax.metrics import seeds
from gan_jax.training.drawing import Drawer
from gan_jax.training.experiment import Experiment, Sources
from gan_jax.training.given import load_given
from gan_jax.training.health import NUM_SAMPLES, Watch, health_figures
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.run_log import read_lines
from gan_jax.training.states import members_of

_PREFIX = "health/"


class Looking:
    """Looks at the states of one run.

    Args:
        experiment: for its picture and its players.
        source: real samples.
        folder: of the run: failures that its log has shown are not told again.
        first_step: lines after this step (of a killed run) do not count.
    """

    def __init__(
        self, experiment: Experiment, source: Sources, folder: RunFolder, *, first_step: int
    ):
        self._experiment = experiment
        self._drawers = Drawer(experiment, load_given(folder.given_file)).members()
        self._rows = first_rows(source, experiment.prepare_fn, NUM_SAMPLES)
        self._held_out = None
        if experiment.held_out_fn is not None:
            self._held_out = first_rows(
                experiment.held_out_fn(), experiment.prepare_fn, NUM_SAMPLES
            )
        history = [
            {name.removeprefix(_PREFIX): value for name, value in line.items()}
            for line in read_lines(folder.metrics_file)
            if line["step"] <= first_step and f"{_PREFIX}diversity %" in line
        ]
        # with several seeds the log holds only means, so a resumed run may repeat a warning
        history = history if len(self._drawers) == 1 else []
        self._watches = [Watch(history) for _ in self._drawers]

    def picture(self, state: GANState) -> Image.Image:
        """Samples of the EMA of the first seed."""
        first = members_of(state, self._experiment.num_seeds)[0]
        drawer = self._drawers[0]
        samples = drawer.draw(first, self._experiment.num_pictured)
        return self._experiment.picture_fn(samples, drawer.logits_fn(first))

    def health(self, step: int, state: GANState) -> tuple[dict[str, float], list[str]]:
        """The figures of the moment, means over the seeds, for the log; and what to say of them."""
        rows, sentences = [], []
        members = members_of(state, self._experiment.num_seeds)
        for index, (member, drawer, watch) in enumerate(
            zip(members, self._drawers, self._watches, strict=True)
        ):
            live = drawer.settled(member, ema=False)
            shown, logits_fn = drawer.shown(live, self._rows), drawer.logits_fn(live)
            held_out = self._held_out and drawer.shown(live, self._held_out)
            figures = health_figures(
                _flat(shown.fake),
                _flat(shown.real),
                of_samples=_of_rows(logits_fn(shown.fake, _told_of_fakes(shown))),
                of_real=_of_rows(logits_fn(shown.real, shown.condition)),
                of_held_out=held_out and _of_rows(logits_fn(held_out.real, held_out.condition)),
            )
            rows.append(figures)
            of = f"seed {self._experiment.seed + index}: " if len(members) > 1 else ""
            sentences += [of + sentence for sentence in watch.sentences(step, figures)]
        return {_PREFIX + name: value for name, value in seeds.mean(rows).items()}, sentences


def _told_of_fakes(shown: Shown) -> Any:
    return shown.condition if shown.fake_condition is None else shown.fake_condition


def _flat(tree: Any) -> np.ndarray:
    """A tree of rows as ``[N, features]``."""
    return np.concatenate(
        [np.asarray(leaf, np.float32).reshape(len(leaf), -1) for leaf in jax.tree.leaves(tree)],
        axis=1,
    )


def _of_rows(logits: Any) -> np.ndarray:
    """One logit per row ``[N]``: the mean over patches and judges."""
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(logits)]
    return np.mean([leaf.reshape(len(leaf), -1).mean(1) for leaf in leaves], axis=0)
