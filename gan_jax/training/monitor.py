"""What is looked at while a run trains: its artefacts, and the health of the game."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from gan_jax.drawing import Samplers
from gan_jax.drawing.artefacts import Artefact
from gan_jax.game import GANState, Shown
from gan_jax.training.experiment import Experiment
from gan_jax.training.health import NUM_SAMPLES, Watch, health_figures
from gan_jax.training.restore import members_of
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.run_log import read_metrics

_PREFIX = "health/"
PICTURES = "pictures"  # the stream of latents of a run's artefacts


class Monitor:
    """Looks at the states of one run.

    Args:
        experiment: for its artefacts and its players.
        samplers: of its game.
        folder: of the run: failures that its log has shown are not told again.
        first_step: lines after this step (of a killed run) do not count.
    """

    def __init__(
        self, experiment: Experiment, samplers: Samplers, folder: RunFolder, *, first_step: int
    ):
        self._experiment, self._samplers = experiment, samplers
        self._rows = _some(experiment, "training")
        self._held_out = _some(experiment, "held_out") if experiment.data.has_held_out else None
        history = [
            {name.removeprefix(_PREFIX): value for name, value in line.items()}
            for line in read_metrics(folder.metrics_file)
            if line["step"] <= first_step and f"{_PREFIX}diversity" in line
        ]
        # with several seeds the log holds only means, so a resumed run may repeat a warning
        history = history if experiment.num_seeds == 1 else []
        self._watches = [Watch(history) for _ in experiment.members]

    def artefacts(self, state: GANState) -> Mapping[str, Artefact]:
        """What the run shows of the EMA of the first seed."""
        first = members_of(state, self._experiment.num_seeds)[0]
        root_key = self._experiment.members[0].root_key
        return self._experiment.artefacts_fn(self._samplers.sampler(first, root_key, PICTURES))

    def health(self, step: int, state: GANState) -> tuple[dict[str, float], list[str]]:
        """The figures of the moment, means over the seeds, for the log; and what to say of them."""
        rows, sentences = [], []
        states = members_of(state, self._experiment.num_seeds)
        for state, member, watch in zip(
            states, self._experiment.members, self._watches, strict=True
        ):
            figures = self._health_of(state, member.root_key)
            rows.append(figures)
            of = f"seed {member.seed}: " if len(states) > 1 else ""
            sentences += [of + sentence for sentence in watch.sentences(step, figures)]
        means = {_PREFIX + name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
        return means, sentences

    def _health_of(self, state: GANState, root_key: jax.Array) -> dict[str, float]:
        live = self._samplers.settled(state, root_key, ema=False)
        shown = self._samplers.shown(live, root_key, self._rows)
        held_out = self._held_out and self._samplers.shown(live, root_key, self._held_out)

        def said(samples: Any, condition: Any) -> np.ndarray:
            return _of_rows(self._samplers.logits(live, samples, condition))

        return health_figures(
            _flat(shown.fake),
            _flat(shown.real),
            of_samples=said(shown.fake, _told_of_fakes(shown)),
            of_real=said(shown.real, shown.condition),
            of_held_out=held_out and said(held_out.real, held_out.condition),
        )


def _some(experiment: Experiment, part: str) -> Any:
    """The first rows of a part of the data, in the order of the seed 0."""
    num = min(NUM_SAMPLES, experiment.data.size(part))
    blocks = list(experiment.data.rows(part, num))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *blocks)


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
