"""Checkpoints with Orbax: asynchronous, atomic, and back through an abstract state."""

import shutil
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import orbax.checkpoint as ocp

from gan_jax.game import GANState


class Checkpoints:
    """The checkpoints of one run.

    Args:
        folder: holds one subfolder per step.
        record: JSON that is saved with every state (the configuration and the data's fingerprint).
        keep: how many of the newest are kept.
    """

    def __init__(self, folder: Path, *, record: dict[str, Any] | None = None, keep: int = 3):
        self.folder = folder.absolute()
        self._record = record or {}
        self._options = ocp.CheckpointManagerOptions(
            max_to_keep=keep, cleanup_tmp_directories=True, create=record is not None
        )
        self._manager = ocp.CheckpointManager(self.folder, options=self._options)

    def steps(self) -> list[int]:
        """The steps that were saved to the end, ascending."""
        return sorted(self._manager.all_steps())

    def save(self, step: int, state: GANState) -> None:
        """Begins to save; training may go on (and donate the state) meanwhile."""
        if step in self._manager.all_steps():
            return
        # on a CPU the writer may read the very buffers that the next step overwrites
        snapshot = jax.tree.map(jnp.copy, state)
        items = ocp.args.Composite(
            state=ocp.args.StandardSave(snapshot), record=ocp.args.JsonSave(self._record)
        )
        self._manager.save(step, args=items)

    def restore(self, abstract_state: GANState) -> GANState | None:
        """The newest state that can be read, or None where nothing was saved.

        Checkpoints that cannot be read are moved to ``unreadable_checkpoints`` beside the folder,
        with a line on the terminal.

        Args:
            abstract_state: ``jax.eval_shape`` of :func:`gan_jax.game.init`.

        Raises:
            ValueError: there are checkpoints, and none can be read.
        """
        device = jax.sharding.SingleDeviceSharding(jax.devices()[0])
        target = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=device),
            abstract_state,
        )
        steps = self.steps()
        errors = []
        for step in reversed(steps):
            try:
                restored = self._manager.restore(
                    step, args=ocp.args.Composite(state=ocp.args.StandardRestore(target))
                )
                return restored.state
            except Exception as error:  # Orbax and TensorStore raise many kinds for a broken file
                errors.append(f"step {step}: {_first_line(error)}")
                self._set_aside(step, errors[-1])
        if errors:
            raise ValueError(
                f"no checkpoint in {self.folder} can be read:\n  " + "\n  ".join(errors)
            )
        return None

    def wait(self) -> None:
        """Blocks until everything that was begun is saved.

        Raises:
            OSError: a save failed, of which the ones before are kept.
        """
        self._manager.wait_until_finished()

    def close(self) -> None:
        """Waits, and ends the writer's threads."""
        self._manager.close()

    def _set_aside(self, step: int, reason: str) -> None:
        aside = self.folder.parent / "unreadable_checkpoints"
        aside.mkdir(exist_ok=True)
        target = aside / str(step)
        if target.exists():
            shutil.rmtree(target)
        (self.folder / str(step)).replace(target)
        self._manager.reload()
        print(
            f"the checkpoint of {reason}\n  it cannot be read and was moved to {target}; "
            "trying the one before",
            file=sys.stderr,
        )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
