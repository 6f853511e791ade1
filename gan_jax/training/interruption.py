"""SIGINT and SIGTERM as a question that the loop asks between two calls."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator


class Interrupted(Exception):
    """The run was asked to stop, and has saved what it had."""

    def __init__(self, signal_number: int, step: int):
        super().__init__(
            f"stopped by {signal.Signals(signal_number).name} at step {step}; everything is saved: "
            "the same command resumes"
        )
        self.exit_code = 128 + signal_number


class Abandoned(KeyboardInterrupt):
    """A second signal came before what the first one asked for was saved."""

    def __init__(self, signal_number: int):
        super().__init__(
            "ended before the last steps were saved: the same command resumes from the checkpoint before"
        )
        self.exit_code = 128 + signal_number


class Request:
    """Whether the process was asked to stop, and by which signal."""

    signal_number: int | None = None


@contextlib.contextmanager
def listen() -> Iterator[Request]:
    """Catches SIGINT and SIGTERM: the first asks, a second ends without a save, a third has its usual effect."""
    request = Request()
    if threading.current_thread() is not threading.main_thread():
        yield request  # signals reach the main thread only
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    # None: of another's making, such as that of jax.distributed, which Python cannot put back
    usual = {number: signal.getsignal(number) or signal.SIG_DFL for number in numbers}

    def handler(number, frame):
        name = signal.Signals(number).name
        if request.signal_number is None:
            request.signal_number = number
            print(
                f"\n{name}: saves after this call of the device, then ends; a second one ends without a save",
                file=sys.stderr,
            )
            return
        for each in numbers:
            signal.signal(each, signal.SIG_DFL)
        raise Abandoned(number)

    for number in numbers:
        signal.signal(number, handler)
    try:
        yield request
    finally:
        for number, before in usual.items():
            signal.signal(number, before)
