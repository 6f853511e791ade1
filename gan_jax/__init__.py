"""gan_jax: generative adversarial networks as pure functions in JAX.

Rooms, from the mathematics up; imports point the other way:

- ``losses``, ``penalties``, ``augment``, ``schedules``, ``optimizers``, ``ema``, ``variational``:
  functions of arrays
- ``context``: what a game shows its discriminator, and what a term may look at
- ``remedies``: one file each against instability and mode collapse
- ``models``: Flax generators and discriminators
- ``game``: the state of a run, what is static about it, the pure training step, the kinds of play
- ``stability``: games with a closed form, and the Jacobian of a step
- ``data``: sources, and the batch of step n
- ``drawing``: both networks in evaluation mode, what draws with them, and what it becomes: pictures,
  animations, sounds, texts
- ``metrics``: figures from samples
- ``tables``: comparisons over runs
- ``training``: experiments, the loop, devices, checkpoints, logs; a run as an object
- ``commands``: ``python -m gan_jax NAME``, on a run or an experiment

What most programs need is here by name, and is loaded when it is first used: ``gan_jax.Game``,
``gan_jax.train``, ``gan_jax.open_run``, ``gan_jax.losses``; ``dir(gan_jax)`` lists all of it.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

# Where each public name is defined.
_NAMES = {
    "gan_jax.game": "Game GANState TrainState init make_train_step from_latents",
    "gan_jax.context": "Shown Turn Context Exhibit Term Memory Seen",
    "gan_jax.models.absent": "Absent",
    "gan_jax.data": "Data Batches merged",
    "gan_jax.data.draws": "Draws",
    "gan_jax.drawing": "Sampler Players Drawn",
    "gan_jax.drawing.exported": "load_generator Generator",
    "gan_jax.drawing.artefacts": "Picture Animation Audio Text",
    "gan_jax.metrics.evaluators": "Evaluator Figure Measured",
    "gan_jax.metrics.estimate": "Estimate",
    "gan_jax.training": "Experiment train main Run open_run",
    "gan_jax.tables": "Table Row Column",
}
_MODULES = {
    "plays": "gan_jax.game.plays",
    "evaluators": "gan_jax.metrics.evaluators",
    "artefacts": "gan_jax.drawing.artefacts",
    "loggers": "gan_jax.training.loggers",
} | {
    name: f"gan_jax.{name}"
    for name in (
        "losses", "penalties", "augment", "schedules", "optimizers", "variational", "remedies", "models", "data",
        "metrics", "stability", "testing",
    )
}  # fmt: skip
_HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """A public name, from where it is defined."""
    if name in _MODULES:
        found = importlib.import_module(_MODULES[name])
    elif name in _HOMES:
        found = getattr(importlib.import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module 'gan_jax' has no attribute {name!r}: see dir(gan_jax)")
    globals()[name] = found  # the next time it is there at once
    return found


def __dir__() -> list[str]:
    return sorted(["__doc__", "__version__", *_HOMES, *_MODULES])
