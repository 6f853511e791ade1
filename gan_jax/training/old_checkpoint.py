"""Checkpoints of version 0.1 before games were opened: the same arrays under other names."""

import sys
from typing import Any

import flax
import jax
import jax.numpy as jnp

from gan_jax.game import GANState
from gan_jax.remedies.lecam import LogitsAverage


@flax.struct.dataclass
class OldState:
    """The arrays of a run, as they were called.

    Attributes:
        step: as in :class:`gan_jax.game.GANState`.
        generator: likewise.
        discriminator: likewise.
        average: now ``ema``.
        logits_average: now a memory, of games with LeCam only.
    """

    step: Any
    generator: Any
    discriminator: Any
    average: Any
    logits_average: LogitsAverage


def is_old(saved: Any) -> bool:
    """Whether the metadata of a checkpoint are those of an :class:`OldState`."""
    return "average" in saved and "ema" not in saved


def old_target(target: GANState) -> OldState:
    """What to ask of the checkpoint, for a state that is wanted."""
    scalar = jax.ShapeDtypeStruct(target.step.shape, jnp.float32, sharding=target.step.sharding)
    average = LogitsAverage(scalar, scalar)
    return OldState(target.step, target.generator, target.discriminator, target.ema, average)


def renewed(old: OldState, target: GANState) -> GANState:
    """The state in today's form; says what has no place in it any more.

    Raises:
        ValueError: the game remembers what the checkpoint does not hold.
    """
    if unknown := sorted(set(target.memory) - {"logits_average"}):
        raise ValueError(
            f"the checkpoint is of a version without memories, and the game has {', '.join(unknown)}: begin anew "
            "with another --run-dir"
        )
    memory = {"logits_average": old.logits_average} if target.memory else {}
    dropped = (
        "" if memory else "; the averages of its logits are dropped, since this game has no LeCam"
    )
    print(
        f"note: a checkpoint of an older version, its `average` is now `ema`{dropped}",
        file=sys.stderr,
    )
    return GANState(old.step, old.generator, old.discriminator, old.average, memory)
