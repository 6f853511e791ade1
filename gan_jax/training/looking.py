"""What is looked at while a run trains: a picture of samples, and the health of the game."""

import numpy as np
from PIL import Image

from gan_jax.data import Source
from gan_jax.game import GANState
from gan_jax.metrics import seeds
from gan_jax.training.drawing import Drawer
from gan_jax.training.experiment import Experiment
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
        self, experiment: Experiment, source: Source, folder: RunFolder, *, first_step: int
    ):
        self._experiment = experiment
        self._drawers = Drawer(experiment).members()
        self._real = _prepared(experiment, source)
        self._held_out = None
        if experiment.held_out_fn is not None:
            self._held_out = _prepared(experiment, experiment.held_out_fn())
        history = [
            {name.removeprefix(_PREFIX): value for name, value in line.items()}
            for line in read_lines(folder.metrics_file)
            if line["step"] <= first_step and f"{_PREFIX}diversity %" in line
        ]
        # of several seeds the log holds means: each of them is told of anew after a resume
        history = history if len(self._drawers) == 1 else []
        self._watches = [Watch(history) for _ in self._drawers]

    def picture(self, state: GANState) -> Image.Image:
        """Samples of the moving average of the first seed."""
        first = members_of(state, self._experiment.num_seeds)[0]
        drawer = self._drawers[0]
        samples = drawer.draw(first.average, self._experiment.num_pictured)
        return self._experiment.picture_fn(samples, drawer.logits_fn(first))

    def health(self, step: int, state: GANState) -> tuple[dict[str, float], list[str]]:
        """The figures of the moment, means over the seeds, for the log; and what to say of them."""
        rows, sentences = [], []
        members = members_of(state, self._experiment.num_seeds)
        for index, (member, drawer, watch) in enumerate(
            zip(members, self._drawers, self._watches, strict=True)
        ):
            num, logits_fn = len(self._real["real"]), drawer.logits_fn(member)
            samples = drawer.draw(member.generator.all_variables, num)
            figures = health_figures(
                samples,
                self._real["real"],
                of_samples=logits_fn(samples, drawer.conditions(num)),
                of_real=logits_fn(*_told(self._real)),
                of_held_out=self._held_out and logits_fn(*_told(self._held_out)),
            )
            rows.append(figures)
            of = f"seed {self._experiment.seed + index}: " if len(members) > 1 else ""
            sentences += [of + sentence for sentence in watch.sentences(step, figures)]
        return {_PREFIX + name: value for name, value in seeds.mean(rows).items()}, sentences


def _prepared(experiment: Experiment, source: Source) -> dict[str, np.ndarray]:
    """The first samples of a source, as the players see them, with their conditions if they have any."""
    examples = [source[index] for index in range(min(NUM_SAMPLES, len(source)))]
    fields = {name: np.stack([example[name] for example in examples]) for name in examples[0]}
    return {name: np.asarray(value) for name, value in experiment.prepare_fn(fields).items()}


def _told(batch: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray | None]:
    return batch["real"], batch.get("condition")
