"""Checkpoints with Orbax: asynchronous, atomic, and back through an abstract state.

Beside Orbax's folders lies ``checksums/STEP.json`` with the SHA-256 of every file, so that a file
that was cut or changed since is noticed before anything is read from it.
"""

import contextlib
import errno
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp

from gan_jax.game import GANState
from gan_jax.training.checksums import checksum_file, checksums, fault_of
from gan_jax.training.compare_arrays import check_same_arrays
from gan_jax.training.json_files import write_json
from gan_jax.training.old_checkpoint import is_old, old_target, renewed
from gan_jax.training.processes import is_first, on_first


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

        A state of that step that is there already, of a start that was killed, is replaced.

        Raises:
            OSError: there is no room for it; nothing was begun.
            ValueError: a later step is saved already, so this one would not be the newest.
        """
        self.wait()
        if step in self._manager.all_steps():
            self._manager.delete(step)
        on_first(lambda: self._check_room(step, state))
        items = ocp.args.Composite(
            state=ocp.args.StandardSave(state), record=ocp.args.JsonSave(self._record)
        )
        if not self._manager.save(step, args=items):
            raise ValueError(
                f"step {step} was not saved in {self.folder}: it holds the steps {self.steps()}, and a new one "
                "must be the newest; --from-step N goes back to an earlier one"
            )
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
        """The newest state whose files are whole, or None where nothing was saved.

        Whole are files with the checksums that were saved with them; the first process reads them.
        Newer checkpoints that are not are moved to ``unreadable_checkpoints`` beside the folder,
        with a line on the terminal each.

        Args:
            abstract_state: ``jax.eval_shape`` of :func:`gan_jax.game.init`; its shardings, where it
                has any, say where the arrays are put, else the first device.

        Raises:
            ValueError: no checkpoint is whole (then they stay where they are), or the newest whole
                one holds other arrays than the target, or cannot be read.
        """
        step = on_first(self._newest_whole)
        return None if step is None else self._read(step, abstract_state)

    def _newest_whole(self) -> int | None:
        faults: dict[int, str] = {}
        for step in reversed(self.steps()):
            if (fault := fault_of(self.folder, step)) is None:
                self._set_aside(faults)
                if not checksum_file(self.folder, step).is_file():
                    print(
                        f"note: the checkpoint of step {step} has no checksums (a kill came before them, or they were "
                        "removed): nobody can see whether a number of it was changed since",
                        file=sys.stderr,
                    )
                return step
            faults[step] = f"step {step}: {fault}"
        if faults:
            raise ValueError(
                f"no checkpoint in {self.folder} is whole:\n  " + "\n  ".join(faults.values())
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

    def _read(self, step: int, abstract_state: GANState) -> GANState:
        if is_first() and (fault := fault_of(self.folder, step)):
            raise ValueError(f"the checkpoint of step {step} in {self.folder} is damaged: {fault}")
        device = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
        target = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(
                leaf.shape, leaf.dtype, sharding=getattr(leaf, "sharding", None) or device
            ),
            abstract_state,
        )
        with self._telling_what_to_do(step):
            saved = self._manager.item_metadata(step).state.tree
        asked = old_target(target) if is_old(saved) else target
        check_same_arrays(saved, asked, self.folder / str(step))
        items = ocp.args.Composite(state=ocp.args.StandardRestore(asked))
        with self._telling_what_to_do(step):
            state = self._manager.restore(step, args=items).state
        return renewed(state, target) if is_old(saved) else state

    @contextlib.contextmanager
    def _telling_what_to_do(self, step: int) -> Iterator[None]:
        """Orbax raises many kinds of errors for files that it cannot read; its message is kept whole."""
        try:
            yield
        except Exception as error:
            earlier = [saved for saved in self.steps() if saved < step]
            advice = (
                f"--from-step {earlier[-1]} goes back to the one before"
                if earlier
                else ("no earlier one is there: begin anew with another --run-dir")
            )
            raise ValueError(
                f"the checkpoint of step {step} in {self.folder} has the files that were saved, and they cannot "
                f"be read; {advice}. Orbax: {type(error).__name__}: {error}"
            ) from error

    def _sign(self, step: int) -> None:
        file = checksum_file(self.folder, step)
        file.parent.mkdir(exist_ok=True)
        write_json(file, checksums(self.folder / str(step)))
        kept = {str(step) for step in self.steps()}
        for other in file.parent.glob("*.json"):
            if other.stem not in kept:
                other.unlink()

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
