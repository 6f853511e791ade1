"""What all commands share: messages and exit codes, and the options that name a saved state of a run."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import tyro

from gan_jax.game import GANState
from gan_jax.training.experiment import Experiment, rebuild
from gan_jax.training.messages import exit_with_message
from gan_jax.training.numbers import check_numbers
from gan_jax.training.restore import CheckpointName, member_at, state_at
from gan_jax.training.run_folder import RunFolder

_KEYWORD, _FLAG = inspect.Parameter.KEYWORD_ONLY, tyro.conf.FlagCreatePairsOff[bool]


def as_command(function: Callable[..., None]) -> Callable[..., None]:
    """Makes a command of a function: ``--debug``, one message for an error, and the exit codes of ``messages``.

    Numbers that mean nothing are refused by their flags (:func:`gan_jax.training.numbers.check_numbers`).

    The rest of its command line is its signature and its docstring.

    Args:
        function: keywords with defaults become options; what is ``tyro.conf.Positional`` has no flag.
    """

    @functools.wraps(function)
    def called(*args: Any, debug: bool = False, **options: Any) -> None:
        def checked():
            check_numbers(function, options)
            function(*args, **options)

        exit_with_message(checked, debug=debug)

    signature = inspect.signature(function)
    debug = inspect.Parameter("debug", _KEYWORD, default=False, annotation=_FLAG)
    called.__signature__ = signature.replace(parameters=[*signature.parameters.values(), debug])
    called.__annotations__ = {**function.__annotations__, "debug": _FLAG}
    del called.__wrapped__  # tyro would read the documentation there
    called.__doc__ = f"{inspect.getdoc(function)}\n    debug: show the traceback of an error.\n"
    return called


class Opened(NamedTuple):
    """One seed of a run at a step.

    Attributes:
        folder: of the run.
        experiment: of the one seed.
        state: of the same.
    """

    folder: RunFolder
    experiment: Experiment
    state: GANState


@dataclasses.dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Which saved state of a run.

    Attributes:
        name: last, best (by the metric that was measured during training), or the number of a
            step.
        seed_index: which of a run of several seeds, from 0.
        data_dir: where the data lies now; without it, where the run had it.
        trust: execute the experiment's file in the folder, though it is a stranger's.
    """

    name: Annotated[CheckpointName, tyro.conf.arg(name="checkpoint")] = "last"
    seed_index: int = 0
    data_dir: Path | None = None
    trust: bool = False

    def open(self, run: Path) -> Opened:
        """That state of a run, with the experiment rebuilt from the code in its folder.

        Args:
            run: the run folder.

        Raises:
            FileNotFoundError: this is no run folder, or nothing was saved.
            ValueError: it has no such checkpoint or seed, or no file.
        """
        folder = RunFolder(run)
        whole = rebuild(folder, data_dir=self.data_dir, trust=self.trust)
        state = member_at(state_at(folder, whole, self.name), whole, self.seed_index)
        return Opened(folder, whole.members[self.seed_index], state)
