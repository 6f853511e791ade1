"""One message and an exit code for what a user can mend; what is a bug keeps its traceback.

Exit codes: 0 done, 1 a message was printed, 2 the command line was wrong, 130 and 143 stopped by a signal.
"""

import os
import sys
import traceback
from collections.abc import Callable

import jax

from gan_jax.training.interruption import Abandoned, Interrupted
from gan_jax.training.loop import NonFiniteError
from gan_jax.training.measuring import EvaluatorError
from gan_jax.training.processes import LOST, OtherProcessError, lost

# What the border raises with a message for the user; anything else is a bug and keeps its traceback.
_USER_ERRORS = (
    ValueError,
    TypeError,
    ImportError,
    OSError,
    EvaluatorError,
    NonFiniteError,
    OtherProcessError,
)


def exit_with_message(call: Callable[[], None], *, debug: bool = False) -> None:
    """Calls; an error that is the user's to mend becomes one message and exit code 1 (or a signal's).

    Args:
        call: what to do.
        debug: keeps the traceback.
    """
    try:
        call()
    except Interrupted as interrupted:
        say(str(interrupted))
        sys.exit(interrupted.exit_code)
    except Abandoned as abandoned:
        say(str(abandoned))
        sys.exit(abandoned.exit_code)
    except KeyboardInterrupt:
        say("stopped by Ctrl-C; every file that was written is whole")
        sys.exit(130)
    except _USER_ERRORS as error:
        if debug:
            _end_all(traceback.format_exc())
            raise
        message = f"error: {_told(error)}\n(--debug shows where)"
        _end_all(message)
        say(message)
        sys.exit(1)
    except Exception as error:
        if _no_device(error) and not debug:
            say(f"error: {str(error).splitlines()[0]}\n{_OTHER_DEVICE}")
            sys.exit(1)
        _end_all(traceback.format_exc() if debug or not lost(error) else LOST)
        raise


def _told(error: Exception) -> str:
    """An error as a sentence; of the system's, which begin with ``[Errno 17]``, the file and what is wrong with it."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename2 or error.filename}: {error.strerror}"
    return str(error) or type(error).__name__


_OTHER_DEVICE = (
    "expected a device of that kind on this machine: unset JAX_PLATFORMS, or JAX_PLATFORMS=cpu "
    "(--debug shows where)"
)


def _no_device(error: Exception) -> bool:
    """Whether JAX was told to use a kind of device that is not there."""
    return isinstance(error, RuntimeError) and "Unable to initialize backend" in str(error)


def _end_all(message: str) -> None:
    """One of several processes ends at once: those that wait for it then find it gone, and end too."""
    if jax.distributed.is_initialized():
        say(message)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)  # at a usual exit JAX would wait for the others


def say(message: str) -> None:
    """A line for the person at the terminal; results go to the standard output.

    Args:
        message: the line.
    """
    print(message, file=sys.stderr)
