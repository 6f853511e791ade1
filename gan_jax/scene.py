"""The scene of one update: what a penalty or a generator's term may look at.

Nearly all need ``scene.real`` or ``scene.fake`` only; a test or a notebook gives just those.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
from jaxtyping import Array, Float


class LogitsAverage(NamedTuple):
    """Moving averages, over the rounds before this one, of what the discriminator says.

    Attributes:
        real: of the mean of ``real_logits``; scalar.
        fake: of the mean of ``fake_logits``; scalar.
    """

    real: jax.Array
    fake: jax.Array


class Scene(NamedTuple):
    """What one update of either player has in front of it.

    Attributes:
        real: real samples ``[B, ...]``, augmented and packed as the discriminator is shown them.
        fake: fake samples, likewise and as many.
        latents: ``[B, Z]``, from which the fakes were drawn.
        generate_fn: latents -> fake samples; the same augmentation is drawn as for ``fake``.
        features_fn: samples -> ``[B, F]``, what the discriminator's last layer reads of them.
        logits_average: of the rounds before this one.
    """

    real: Float[Array, "batch ..."]
    fake: Float[Array, "batch ..."]
    latents: Float[Array, "rows size"] | None = None
    generate_fn: Callable[[jax.Array], jax.Array] | None = None
    features_fn: Callable[[jax.Array], jax.Array] | None = None
    logits_average: LogitsAverage | None = None
