"""The arrays of a run, and the first of them."""

from typing import Any

import flax
import jax
import jax.numpy as jnp

from gan_jax.game.game import Game
from gan_jax.game.sampling import draw_latents
from gan_jax.scene import LogitsAverage

Variables = dict[str, Any]


@flax.struct.dataclass
class TrainState:
    """The arrays of one player.

    Attributes:
        params: what its optimiser moves.
        variables: the other Flax collections (``batch_stats``, ...); they change in the player's
            own updates only.
        opt_state: of its optimiser.
    """

    params: Variables
    variables: Variables
    opt_state: Any

    @property
    def all_variables(self) -> Variables:
        """What ``module.apply`` takes."""
        return {"params": self.params, **self.variables}


@flax.struct.dataclass
class GANState:
    """The arrays of a run.

    Attributes:
        step: rounds played, int32.
        generator: its :class:`TrainState`.
        discriminator: its :class:`TrainState`.
        average: the moving average of the generator's ``all_variables``.
        logits_average: moving averages of what the discriminator says, for LeCam.
    """

    step: jax.Array
    generator: TrainState
    discriminator: TrainState
    average: Variables
    logits_average: LogitsAverage


def init(
    game: Game, key: jax.Array, condition: jax.Array | None = None, *, num: int = 2
) -> GANState:
    """The state before the first round; pure, to be jitted or given to ``jax.eval_shape``.

    No data is needed: the discriminator is shown what the generator draws.

    Args:
        game: the game.
        key: a PRNG key; the same key gives the same state.
        condition: an example ``[B, ...]`` where the players are conditional.
        num: how many samples are drawn to be shown; matters to packing only, which divides it.

    Returns:
        A :class:`GANState` whose buffers are all distinct, so that it can be donated.
    """
    latents_key, generator_key, discriminator_key = jax.random.split(key, 3)
    latents = draw_latents(game, latents_key, num if condition is None else len(condition))
    fake, generator = _init_player(
        game.generator, game.generator_optimizer, generator_key, latents, condition
    )
    step = jnp.zeros((), jnp.int32)
    shown = game.augment_fn(latents_key, fake, step)
    _, discriminator = _init_player(
        game.discriminator, game.discriminator_optimizer, discriminator_key, shown, condition
    )
    average = jax.tree.map(jnp.copy, generator.all_variables)
    logits_average = LogitsAverage(jnp.zeros(()), jnp.zeros(()))
    return GANState(step, generator, discriminator, average, logits_average)


def _init_player(module, optimizer, key, inputs, condition):
    params_key, dropout_key = jax.random.split(key)
    outputs, variables = module.init_with_output(
        {"params": params_key, "dropout": dropout_key}, inputs, condition, train=True
    )
    params = variables.pop("params", {})
    return outputs, TrainState(params, variables, optimizer.init(params))
