"""Going back to an earlier checkpoint of a run: what is later is set aside together, never deleted."""

import shutil
from pathlib import Path

from gan_jax.drawing.artefacts import read_artefacts
from gan_jax.training.checksums import checksum_file, fault_of, saved_steps
from gan_jax.training.figures_log import is_after
from gan_jax.training.json_files import add_lines, drop_lines
from gan_jax.training.run_folder import RunFolder


def go_back(folder: RunFolder, step: int) -> Path | None:
    """Makes a checkpoint the newest of its run.

    Later checkpoints, a later best step, lines of the log and of the figures, and artefacts move to
    ``set_aside/1``, ``set_aside/2``, ...; below it everything lies as it lay in the run folder. The
    newest checkpoint is moved first, so after a kill the same command does the rest.

    Args:
        folder: of the run; nobody else trains in it.
        step: of a checkpoint that is whole.

    Returns:
        Where the later things are now; None where there were none.

    Raises:
        ValueError: there is no such checkpoint, or its files are damaged; nothing was moved.
    """
    saved = saved_steps(folder.checkpoints)
    if step not in saved:
        raise ValueError(
            f"--from-step {step}: {folder.path} has no checkpoint of that step, it has those of "
            f"{', '.join(map(str, saved)) or 'none'} (--keep-every-steps keeps more)"
        )
    if fault := fault_of(folder.checkpoints, step):
        raise ValueError(f"--from-step {step}: that checkpoint is damaged ({fault}): take another")
    target = _next_folder(folder)
    for later in [s for s in reversed(saved) if s > step]:
        _move_state(folder, folder.checkpoints, later, target)
    for later in [s for s in saved_steps(folder.best) if s > step]:
        _move_state(folder, folder.best, later, target)
    for file in (folder.metrics_file, folder.figures_file):
        if lines := drop_lines(file, is_after(step)):
            target.mkdir(parents=True, exist_ok=True)
            add_lines(target / file.name, lines)
    for file in _later_files(folder, step):
        _move(folder, file, target)
    if not target.is_dir():
        return None
    for file in (folder.summary_file, folder.curves_file, folder.animation_file):
        _move(folder, file, target)
    return target


def _next_folder(folder: RunFolder) -> Path:
    """``set_aside/3`` where there are two."""
    numbers = saved_steps(folder.set_aside)
    return folder.set_aside / str(max(numbers, default=0) + 1)


def _move_state(folder: RunFolder, states: Path, step: int, target: Path) -> None:
    _move(folder, states / str(step), target)
    _move(folder, checksum_file(states, step), target)


def _later_files(folder: RunFolder, step: int) -> list[Path]:
    """Artefacts and kept rows."""
    artefacts = [
        file
        for files in read_artefacts(folder.artefacts).values()
        for at, file in files.items()
        if at > step
    ]
    rows = [
        file
        for file in folder.evaluations.glob("*/*_step_*.npz")
        if int(file.stem.rsplit("_", 1)[1]) > step
    ]
    return artefacts + rows


def _move(folder: RunFolder, path: Path, target: Path) -> None:
    if path.exists():
        to = target / path.relative_to(folder.path)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, to)


def drop_later_states(states: Path, step: int) -> None:
    """Removes the saved states of steps that will be played again.

    Args:
        states: a folder of checkpoints.
        step: the last that counts; -1 counts none.
    """
    for later in [saved for saved in saved_steps(states) if saved > step]:
        gone = states.parent / f".step_{later}"  # at once: never a half of it under its name
        shutil.rmtree(gone, ignore_errors=True)
        (states / str(later)).replace(gone)
        checksum_file(states, later).unlink(missing_ok=True)
        shutil.rmtree(gone)


def copy_state(states: Path, to: Path, step: int) -> bool:
    """Copies a saved state with its checksums into another folder of checkpoints.

    Args:
        states: the folder of checkpoints that has it.
        to: the folder that gets it; after a kill it has the state or not.
        step: of the state.

    Returns:
        Whether there was such a state.
    """
    if step not in saved_steps(states):
        return False
    draft = to.parent / f".step_{step}"
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(states / str(step), draft)
    if (sums := checksum_file(states, step)).is_file():
        checksum_file(to, step).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(sums, checksum_file(to, step))
    to.mkdir(parents=True, exist_ok=True)
    draft.replace(to / str(step))
    return True
