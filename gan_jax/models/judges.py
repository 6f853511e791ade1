"""Several discriminators as one: each looks at its own view of a sample.

The game sums their losses, and a gradient penalty is taken of each judge with respect to its own view::

    Game(
        WaveGANGenerator(8192),
        Judges({"wave": WaveGANDiscriminator(), "mel": DCGANDiscriminator()}),
        show_fn=views(wave=lambda sounds: sounds, mel=log_mel),
    )
"""

from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax

from gan_jax.context import Shown, Turn


class Judges(nn.Module):
    """A dict of views of the same samples to a dict of logits.

    Attributes:
        judges: name -> discriminator ``(samples, condition=None, *, train) -> logits [B]``.
    """

    judges: Mapping[str, nn.Module]

    @nn.compact
    def __call__(
        self, views: Mapping[str, Any], condition: Any = None, *, train: bool
    ) -> dict[str, jax.Array]:
        """``{name: [B, ...]}`` to ``{name: [B]}``.

        Raises:
            ValueError: there is another view, or one is missing.
        """
        got = sorted(views) if isinstance(views, Mapping) else type(views).__name__
        if got != sorted(self.judges):
            raise ValueError(f"the judges look at {', '.join(sorted(self.judges))}, got {got}")
        told = () if condition is None else (condition,)
        return {name: judge(views[name], *told, train=train) for name, judge in self.judges.items()}


def views(**view_fns: Callable[[Any], Any]) -> Callable[..., Shown]:
    """A ``show_fn``: the default game, in which each judge has a view of its own.

    Args:
        view_fns: by the name of a judge, ``samples [B, ...] -> what it looks at``, differentiable.
    """

    def show_fn(
        generator_fn: Callable, latents: Any, batch: Mapping[str, Any], turn: Turn
    ) -> Shown:
        condition = batch.get("condition")
        told = () if condition is None else (condition,)
        fake = generator_fn(latents, *told)
        sides = [
            {name: view_fn(side) for name, view_fn in view_fns.items()}
            for side in (batch["real"], fake)
        ]
        return Shown(*sides, condition)

    return show_fn
