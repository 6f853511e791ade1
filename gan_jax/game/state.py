"""The arrays of a run."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import flax
import jax

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
        ema: the moving average of the generator's ``all_variables``.
        memory: name -> value of ``Game.memory``.
    """

    step: jax.Array
    generator: TrainState
    discriminator: TrainState
    ema: Variables
    memory: Mapping[str, Any]

    def player(self, name: str) -> TrainState:
        """The arrays of a player."""
        return getattr(self, name)

    def with_player(self, name: str, player: TrainState) -> "GANState":
        """The state with another player in one place."""
        return dataclasses.replace(self, **{name: player})

    def with_params(self, name: str, params: Variables) -> "GANState":
        """The state with other parameters of one player."""
        return self.with_player(name, dataclasses.replace(self.player(name), params=params))
