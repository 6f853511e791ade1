"""Drawing from a saved state, and measuring it: the same for commands and notebooks."""

from collections.abc import Collection
from typing import Any

import jax

from gan_jax.drawing import Sampler
from gan_jax.game import GANState
from gan_jax.game.keys import key_of_seed
from gan_jax.training.evaluation import Evaluation
from gan_jax.training.evaluators import build_evaluators
from gan_jax.training.experiment import Experiment, samplers_of
from gan_jax.training.figures_log import Line
from gan_jax.training.given import load_given
from gan_jax.training.monitor import PICTURES
from gan_jax.training.run_folder import RunFolder


def sampler_of(
    experiment: Experiment,
    state: GANState,
    given: Any,
    *,
    seed: int | None,
    ema: bool,
    **options: Any,
) -> Sampler:
    """What draws from the state of one seed.

    Args:
        experiment: of one seed.
        state: of the same.
        given: rows that samples are made from.
        seed: of the latents; None takes those of the run's own pictures.
        ema: the generator's moving average; else its live weights.
        **options: ``num`` and ``options`` of :meth:`gan_jax.drawing.Samplers.sampler`.
    """
    own = seed is None
    root_key = experiment.root_key if own else key_of_seed(seed)
    return samplers_of(experiment, given).sampler(
        jax.device_put(state), root_key, PICTURES if own else "user", ema=ema, **options
    )


def measure(
    folder: RunFolder,
    experiment: Experiment,
    state: GANState,
    only: Collection[str] | None,
    *,
    seed: int,
    num_samples: int | None,
    ema: bool,
) -> tuple[list[Line], dict[str, Exception]]:
    """Measures a state with latents of a user's seed, also what is written down already.

    Args:
        folder: of the run.
        experiment: of one seed.
        state: of the same.
        only: names of evaluators; None is all of them.
        seed: of the latents.
        num_samples: another number of samples than the evaluators take by themselves.
        ema: the generator's moving average; else its live weights.

    Returns:
        The lines, references last; and what went wrong, by evaluator.

    Raises:
        ValueError: there is no such evaluator.
    """
    if not experiment.evaluators:
        raise ValueError(
            "this experiment has no evaluators: Experiment(evaluators={name: data -> Evaluator}), or "
            "for images the Inception network with --inception FILE (or published)"
        )
    evaluators = build_evaluators(experiment, only, num_samples=num_samples)
    samplers = samplers_of(experiment, load_given(folder.given_file))
    evaluation = Evaluation(experiment, folder, samplers, evaluators)
    lines, failed = evaluation.measure(evaluators, state, seed, ema=ema, again=True)
    return sorted(lines, key=lambda line: line["step"] is None), failed
