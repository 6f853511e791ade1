"""An experiment: real objects, wired; and a run that is rebuilt from its folder."""

import dataclasses
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from gan_jax.augment import AugmentFn
from gan_jax.data import Source, pixels_to_real
from gan_jax.game import Game
from gan_jax.metrics.judgement import Judge
from gan_jax.training.pictures import image_grid

INTERVALS = ("log", "sample", "measure", "save")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Experiment:
    """Everything that a run needs.

    Attributes:
        game: the players and what they minimise.
        source_fn: reads the data; not called when only samples are drawn.
        steps: rounds to train.
        batch_size: B, the global batch.
        seed: of the initialisation, the data order and everything drawn.
        data_augment_fn: ``(key, images) -> images``, made to the real images only, on the device, such
            as those of :mod:`gan_jax.augment`; None takes them as they are.
        prepare_fn: the source's fields to ``real`` (and ``condition``), on the device.
        condition_fn: ``(key, num) -> conditions [num, ...]`` of the samples that are drawn for
            pictures and figures, where the players are conditional.
        picture_fn: samples ``[N, ...]`` to a PIL image.
        num_pictured: samples in a picture of the run.
        judge_fn: source -> :class:`gan_jax.metrics.judgement.Judge` of the moving average.
        measure_every_steps: when the judge measures during training; None measures at the end only.
        best_metric: the figure by which the best step is kept; None is the judge's choice.
        patience: measurements without a new best after which the run stops; None plays all steps.
        steps_per_call: rounds in one call of the device; divides the numbers below and ``steps``.
        log_every_steps: when metrics leave the device.
        sample_every_steps: when a picture is drawn.
        save_every_steps: when a checkpoint is written.
    """

    game: Game
    source_fn: Callable[[], Source]
    steps: int
    batch_size: int
    seed: int = 0
    data_augment_fn: AugmentFn | None = None
    prepare_fn: Callable[[dict], dict] = pixels_to_real
    condition_fn: Callable[[jax.Array, int], jax.Array] | None = None
    picture_fn: Callable[[np.ndarray], Any] = image_grid
    num_pictured: int = 64
    judge_fn: Callable[[Source], Judge] | None = None
    measure_every_steps: int | None = None
    best_metric: str | None = None
    patience: int | None = None
    steps_per_call: int = 1
    log_every_steps: int = 100
    sample_every_steps: int = 500
    save_every_steps: int = 500

    def __post_init__(self):
        if self.steps_per_call < 1:
            raise ValueError(f"steps_per_call must be at least 1, got {self.steps_per_call}")
        for name in ("steps", *(f"{what}_every_steps" for what in INTERVALS)):
            number = getattr(self, name)
            if name == "measure_every_steps" and number is None:
                continue
            if number < 1 or number % self.steps_per_call:
                raise ValueError(
                    f"{name} must be a positive multiple of steps_per_call={self.steps_per_call}, "
                    f"got {number}"
                )
        if self.measure_every_steps is not None and self.judge_fn is None:
            raise ValueError("measure_every_steps is set, but this experiment has no judge_fn")
        if self.measure_every_steps is None and self.patience is not None:
            raise ValueError(
                f"patience={self.patience} counts measurements: set measure_every_steps too"
            )
        if self.patience is not None and self.patience < 1:
            raise ValueError(f"patience must be at least 1 measurement, got {self.patience}")

    @property
    def root_key(self) -> jax.Array:
        """The key that every other key of the run is folded from."""
        return jax.random.key(self.seed)


def load_experiment_function(file: Path) -> Callable[..., Experiment]:
    """The function ``experiment`` of a Python file.

    Raises:
        FileNotFoundError: no such file.
        AttributeError: it has no ``experiment``.
    """
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing: expected the experiment's Python file")
    spec = importlib.util.spec_from_file_location(f"gan_jax_experiment_{file.stem}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, "experiment"):
        raise AttributeError(f"{file} defines no function `experiment(...) -> Experiment`")
    return module.experiment
