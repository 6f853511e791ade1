"""The evaluators of an experiment, built on its data."""

import inspect
from collections.abc import Collection, Mapping

from gan_jax.metrics.evaluators import Evaluator
from gan_jax.training.experiment import EvaluatorFn, Experiment


def build_evaluators(
    experiment: Experiment, names: Collection[str] | None = None, *, num_samples: int | None = None
) -> dict[str, Evaluator]:
    """The evaluators of an experiment; some read data or train a network that looks.

    Args:
        experiment: the experiment.
        names: which; None builds all of them.
        num_samples: another number of samples than each takes by itself; one that has a number of
            its own keeps it, unless it was asked for by name.

    Raises:
        ValueError: there is none of that name, or one that was named takes no number of samples.
        TypeError: one of them is no evaluator.
    """
    functions, named = experiment.evaluators, names is not None
    names = list(functions if names is None else names)
    if unknown := [name for name in names if name not in functions]:
        raise ValueError(
            f"no evaluator {', '.join(unknown)}: this experiment has {', '.join(functions) or 'none'}"
        )
    numbers = {name: num_samples for name in names}
    if num_samples is not None:
        fixed = [name for name in names if "num_samples" not in _parameters(functions[name])]
        if fixed and named:
            raise ValueError(f"{', '.join(fixed)} takes no num_samples: it measures a fixed number")
        numbers |= {name: None for name in fixed}
    return {name: _built(name, functions[name], experiment, numbers[name]) for name in names}


def _parameters(function: EvaluatorFn) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(function).parameters


def _built(
    name: str, function: EvaluatorFn, experiment: Experiment, num_samples: int | None
) -> Evaluator:
    options = {} if num_samples is None else {"num_samples": num_samples}
    evaluator = function(experiment.data, **options)
    if not isinstance(evaluator, Evaluator):
        raise TypeError(
            f"the evaluator {name} must be a function data -> Evaluator(...), it gave "
            f"{type(evaluator).__name__}"
        )
    return evaluator
