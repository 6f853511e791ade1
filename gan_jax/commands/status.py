"""How a run stands: ``python -m gan_jax status RUN``. Files are read; nothing in the folder is run or changed."""

from pathlib import Path
from typing import Annotated

import tyro

from gan_jax.commands.command import as_command
from gan_jax.training.figures_log import read_protocols
from gan_jax.training.figures_table import figures_table
from gan_jax.training.run_folder import RunFolder
from gan_jax.training.status import Status, read_status

_LOSSES = ("discriminator/loss", "generator/loss")


@as_command
def status(run: Annotated[Path, tyro.conf.Positional]) -> None:
    """Says how a run stands: steps, checkpoints and their checksums, the best, figures, what comes next.

    Args:
        run: the run folder.
    """
    print(printable(told(read_status(run))))


def told(status: Status) -> str:
    """A line for each thing, and the figures as a table.

    Args:
        status: of the run.
    """
    lines = {
        "run": f"{status.path}: {status.config.get('experiment') or 'an experiment without a file'}",
        "steps": _steps(status),
        "checkpoints": _checkpoints(status),
        "best": _best(status),
        "log": _log(status),
        "history": "\n".join(map(_start, status.history)) or "none is kept",
        "lock": _lock(status),
        "disk": f"{status.num_bytes / 2**20:,.1f} MiB",
        "next": f"the same command {status.next}",
    }
    width = max(map(len, lines))
    text = [f"{name:<{width}}  {_indented(line, width + 2)}" for name, line in lines.items()]
    return "\n".join([*text, "", _figures(status)])


def printable(text: str) -> str:
    """The text without characters that move a terminal's cursor or colour it: a folder may be a stranger's."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)


def _indented(text: str, width: int) -> str:
    return text.replace("\n", "\n" + " " * width)


def _steps(status: Status) -> str:
    of = "" if status.total is None else f" of {status.total:,}"
    logged = f", logged to step {status.logged:,}" if status.logged != status.steps else ""
    seconds = "" if status.seconds is None else f", {status.seconds:,.1f} s of training"
    return f"{status.steps:,}{of} are saved{logged}{seconds}"


def _checkpoints(status: Status) -> str:
    lines = []
    for step, fault in status.checkpoints.items():
        sound = "without checksums" if step in status.unsigned else _sound(fault)
        lines.append(f"step {step:,}: {sound}")
    return "\n".join(lines) or "none"


def _sound(fault: str | None) -> str:
    return fault or "whole"


def _best(status: Status) -> str:
    best = status.best
    if best is None:
        return "none is kept"
    value = "" if best.value is None else f" {best.value:g}"
    by = f", {best.figure}{value}" if best.figure else ""
    return f"step {best.step:,}{by}: {_sound(status.best_fault)}"


def _log(status: Status) -> str:
    losses = [
        f"{name} {value:g}" for name in _LOSSES if (value := status.metrics.get(name)) is not None
    ]
    return ", ".join(losses) or "nothing"


def _start(line: dict) -> str:
    """One start of the run, and what had changed since the one before."""
    back = f", back from later steps ({line['set_aside']})" if line.get("set_aside") else ""
    rows = [f"{line.get('date')}: at step {line.get('step')}{back}"]
    rows += [
        f"  {change.get('field')} was {change.get('from')}, is {change.get('to')}"
        for change in line.get("changed") or []
        if isinstance(change, dict)
    ]
    if diff := line.get("experiment_diff"):
        rows.append(f"  its file had changed in {len(diff)} lines (history.jsonl has them)")
    return "\n".join(rows)


def _lock(status: Status) -> str:
    if status.holder is None:
        return "nobody has trained in it"
    if status.holder.lives:
        return f"{status.holder} trains in it"
    return f"free; the last was {status.holder}, which has ended"


def _figures(status: Status) -> str:
    protocols = read_protocols(RunFolder(status.path).protocols_file)
    known = [line for line in status.figures if line["protocol"] in protocols]
    if known:
        return figures_table(known, protocols)
    return f"no figures are recorded; python -m gan_jax evaluate {status.path} measures them"
