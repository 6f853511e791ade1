"""Checkpoints with Orbax: asynchronous, atomic, and back through an abstract state.

Beside Orbax's folders lies ``checksums/STEP.json`` with the SHA-256 of every file, so that a file
that was cut or changed since is noticed before anything is read from it.
"""

import errno
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp

from gan_jax.game import GANState
from gan_jax.training.checksums import checksum_file, checksums, fault_of
from gan_jax.training.old_checkpoint import is_old, old_target, renewed
from gan_jax.training.processes import is_first, on_first
from gan_jax.training.run_folder import write_json


class Checkpoints:
    """The checkpoints of one run.

    Args:
        folder: holds one subfolder per step.
        record: JSON that is saved with every state (the configuration and the data's fingerprint);
            None reads only.
        keep: how many of the newest are kept.
        keep_every: beside them, those of every so many steps; None keeps no others.
    """

    def __init__(
        self,
        folder: Path,
        *,
        record: dict[str, Any] | None = None,
        keep: int = 3,
        keep_every: int | None = None,
    ):
        self.folder = folder.absolute()
        self._record = record
        self._unsigned: int | None = None  # saved or being saved, without checksums yet
        options = ocp.CheckpointManagerOptions(
            max_to_keep=keep,
            keep_period=keep_every,
            cleanup_tmp_directories=record is not None,
            create=record is not None,
        )
        handlers = {"state": ocp.StandardCheckpointHandler(), "record": ocp.JsonCheckpointHandler()}
        self._manager = ocp.CheckpointManager(self.folder, options=options, item_handlers=handlers)

    def steps(self) -> list[int]:
        """The steps that were saved to the end, ascending."""
        return sorted(self._manager.all_steps())

    def save(self, step: int, state: GANState) -> None:
        """Begins to save; training may go on (and donate the state) meanwhile.

        Raises:
            OSError: there is no room for it; nothing was begun.
        """
        if step in self._manager.all_steps():
            return
        self.wait()
        on_first(lambda: self._check_room(step, state))
        items = ocp.args.Composite(
            state=ocp.args.StandardSave(state), record=ocp.args.JsonSave(self._record)
        )
        self._manager.save(step, args=items)
        self._unsigned = step

    def _check_room(self, step: int, state: GANState) -> None:
        """Before Orbax's threads run into the end of the disk, each with a message of its own."""
        needed = 1.1 * sum(leaf.nbytes for leaf in jax.tree.leaves(state)) + 2**20
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            raise OSError(
                errno.ENOSPC,
                f"no room for the checkpoint of step {step}: it takes about {needed / 2**20:.1f} MiB and "
                f"{free / 2**20:.1f} MiB are free",
                str(self.folder),
            )

    def wait(self) -> None:
        """Blocks until everything that was begun is saved.

        Raises:
            OSError: a save failed, of which the ones before are kept.
        """
        self._manager.wait_until_finished()
        if self._unsigned is not None:
            if is_first():
                self._sign(self._unsigned)
            self._unsigned = None

    def poll(self) -> None:
        """Adds the checksums of a save that has ended meanwhile; does not block."""
        if self._unsigned is not None and not self._manager.is_saving_in_progress():
            self.wait()

    def close(self) -> None:
        """Waits, and ends the writer's threads."""
        self.wait()
        self._manager.close()

    def restore(self, abstract_state: GANState) -> GANState | None:
        """The newest state that can be read, or None where nothing was saved.

        Newer checkpoints that cannot be read are then moved to ``unreadable_checkpoints`` beside
        the folder, with a line on the terminal each.

        Args:
            abstract_state: ``jax.eval_shape`` of :func:`gan_jax.game.init`; its shardings, where it
                has any, say where the arrays are put, else the first device.

        Raises:
            ValueError: a checkpoint holds other arrays than the target, or there are checkpoints
                and none can be read (then they stay where they are).
        """
        if jax.process_count() > 1:
            return self._restore_together(abstract_state)
        faults: dict[int, str] = {}
        for step in reversed(self.steps()):
            try:
                state = self._read(step, abstract_state)
            except _OtherArraysError:
                raise
            except Exception as error:  # Orbax raises many kinds for a broken file
                reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
                faults[step] = f"step {step}: {reason}"
                continue
            self._set_aside(faults)
            return state
        if faults:
            raise ValueError(
                f"no checkpoint in {self.folder} can be read:\n  " + "\n  ".join(faults.values())
            )
        return None

    def restore_step(self, step: int, abstract_state: GANState) -> GANState:
        """The state of one step; reads only.

        Args:
            step: one of :meth:`steps`.
            abstract_state: as of :meth:`restore`.

        Raises:
            ValueError: there is no checkpoint of that step, or as :meth:`restore`.
        """
        if step not in self.steps():
            raise ValueError(
                f"no checkpoint of step {step} in {self.folder}: there are those of {self.steps()}"
            )
        return self._read(step, abstract_state)

    def _restore_together(self, abstract_state: GANState) -> GANState | None:
        """As :meth:`restore`, of the newest whose files are whole; the first process looks at them."""

        def newest() -> int | None:
            faults = {}
            for step in reversed(self.steps()):
                try:
                    self._check_files(step)
                except ValueError as error:
                    faults[step] = f"step {step}: {error}"
                    continue
                self._set_aside(faults)
                return step
            if faults:
                raise ValueError(
                    f"no checkpoint in {self.folder} is whole:\n  " + "\n  ".join(faults.values())
                )
            return None

        step = on_first(newest)
        return None if step is None else self._read(step, abstract_state)

    def _read(self, step: int, abstract_state: GANState) -> GANState:
        if is_first():
            self._check_files(step)
        saved = self._manager.item_metadata(step).state.tree
        device = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
        target = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(
                leaf.shape, leaf.dtype, sharding=getattr(leaf, "sharding", None) or device
            ),
            abstract_state,
        )
        asked = old_target(target) if is_old(saved) else target
        _check_same_arrays(saved, asked, self.folder / str(step))
        items = ocp.args.Composite(state=ocp.args.StandardRestore(asked))
        state = self._manager.restore(step, args=items).state
        return renewed(state, target) if is_old(saved) else state

    def _sign(self, step: int) -> None:
        file = checksum_file(self.folder, step)
        file.parent.mkdir(exist_ok=True)
        write_json(file, checksums(self.folder / str(step)))
        kept = {str(step) for step in self.steps()}
        for other in file.parent.glob("*.json"):
            if other.stem not in kept:
                other.unlink()

    def _check_files(self, step: int) -> None:
        if fault := fault_of(self.folder, step):
            raise ValueError(fault)

    def _set_aside(self, faults: dict[int, str]) -> None:
        for step, fault in faults.items():
            print(f"the checkpoint of {fault}; taking the one before", file=sys.stderr)
            if self._record is None:
                continue
            target = self.folder.parent / "unreadable_checkpoints" / str(step)
            shutil.rmtree(target, ignore_errors=True)
            target.parent.mkdir(exist_ok=True)
            (self.folder / str(step)).replace(target)
            checksum_file(self.folder, step).unlink(missing_ok=True)
            print(f"  moved to {target}", file=sys.stderr)
        if faults:
            self._manager.reload()


class _OtherArraysError(ValueError):
    """The checkpoint is whole, and of another game."""


def _check_same_arrays(saved: Any, abstract_state: GANState, folder: Path) -> None:
    """Other arrays mean that the code has changed since, not that the files are broken."""

    def count(tree):
        return Counter((tuple(leaf.shape), str(leaf.dtype)) for leaf in jax.tree.leaves(tree))

    there, here = count(saved), count(abstract_state)
    if there != here:
        raise _OtherArraysError(
            f"{folder} was saved by other networks or optimisers: it alone has arrays "
            f"{sorted((there - here).items())[:3]}, the experiment alone {sorted((here - there).items())[:3]}; "
            "undo the change of the code, or begin anew with another --run-dir"
        )
