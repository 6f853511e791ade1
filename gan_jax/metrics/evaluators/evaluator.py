"""An evaluator measures whatever a game makes: a function of a sampler, with its protocol.

It is the same function while training and afterwards. A ceiling (real data), a floor (noise) or a
classical method is another draw function that the same evaluator measures: a reference.
"""

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from gan_jax.drawing import DrawFn, Sampler
from gan_jax.drawing.sampler import LatentsFn
from gan_jax.metrics.estimate import Estimate

NAME = re.compile(r"[a-z][a-z0-9_]*(/[a-z][a-z0-9_]*)*")  # columns that pandas reads as they are
Json = Any
GENERATED = "generated"  # the row of the run itself


class Figure(NamedTuple):
    """How one figure is shown to people.

    Attributes:
        label: for tables and plots; its name in files is an identifier.
        better: the direction; None where there is none, as for a mean.
        digits: after the decimal point.
    """

    label: str
    better: Literal["less", "more"] | None = None
    digits: int = 3


class Measured(NamedTuple):
    """What a measurement found.

    Attributes:
        figures: name -> value with its standard error.
        rows: values for each example, to be kept: name -> ``[N, ...]``.
    """

    figures: Mapping[str, Estimate]
    rows: Mapping[str, np.ndarray] = {}


MeasureFn = Callable[[Sampler], Measured | Mapping[str, Estimate]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evaluator:
    """Measures samples, always in the same way.

    Attributes:
        measure_fn: draws from the sampler what it needs, block by block, and measures it.
        figures: every name that it returns.
        protocol: whatever changes a value, in JSON: the estimator, its numbers, the fingerprint of
            a feature network; ``description`` says it in a sentence or two.
        num: samples of a row; None takes every held-out row once.
        references: name -> draw function ``(None, keys, rows) -> samples`` that is measured
            likewise, once: ``real``, ``noise``, a classical method. The latents of a reference are
            one key for each row.
        draw_fn: instead of the experiment's: for scores, codes, bounds. It is not jitted.
        latents_fn: ``(key, num) -> latents``, instead of the game's.
        settings: further rows of the run: name -> fields of the rows, such as ``{"temperature 0.5":
            {"temperature": 0.5}}``.
        when: ``training``: every ``evaluate_every_steps``, before the first step and at the end;
            ``end``: before the first step and at the end; ``asked``: by the command
            ``evaluate`` alone.
    """

    measure_fn: MeasureFn
    figures: Mapping[str, Figure]
    protocol: Mapping[str, Json]
    num: int | None
    references: Mapping[str, DrawFn] = dataclasses.field(default_factory=dict)
    draw_fn: DrawFn | None = None
    latents_fn: LatentsFn | None = None
    settings: Mapping[str, Mapping[str, float]] = dataclasses.field(default_factory=dict)
    when: Literal["training", "end", "asked"] = "training"

    def __post_init__(self):
        if not self.figures:
            raise ValueError("an evaluator needs at least one figure, got none")
        for name in self.figures:
            if not NAME.fullmatch(name):
                raise ValueError(
                    f"the name of a figure must be an identifier such as frechet, got {name!r}: "
                    "what people read is its label, Figure(label=...)"
                )
        if twice := sorted({GENERATED, *self.settings} & self.references.keys()):
            raise ValueError(f"a reference needs a name of its own, got {', '.join(twice)}")
        if self.num is not None and self.num < 1:
            raise ValueError(
                f"num must be at least 1 sample, or None for every row, got {self.num}"
            )
        if self.when not in ("training", "end", "asked"):
            raise ValueError(f"when must be training, end or asked, got {self.when!r}")

    @property
    def sha(self) -> str:
        """The protocol's SHA-256, its first 16 digits: one column is one protocol."""
        told = {"protocol": self.protocol, "num": self.num, "figures": sorted(self.figures)}
        text = json.dumps(told, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
