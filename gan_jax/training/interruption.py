"""SIGINT and SIGTERM as a question that the loop asks between two calls."""

import contextlib
import signal
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


class Request:
    """Whether the process was asked to stop, and by which signal."""

    signal_number: int | None = None


@contextlib.contextmanager
def listen() -> Iterator[Request]:
    """Catches the first SIGINT or SIGTERM; a second one has its usual effect."""
    request = Request()
    if threading.current_thread() is not threading.main_thread():
        yield request  # signals reach the main thread only
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    # None: of another's making, such as that of jax.distributed, which Python cannot put back
    usual = {number: signal.getsignal(number) or signal.SIG_DFL for number in numbers}

    def handler(number, frame):
        request.signal_number = number
        for number, before in usual.items():
            signal.signal(number, before)

    for number in numbers:
        signal.signal(number, handler)
    try:
        yield request
    finally:
        for number, before in usual.items():
            signal.signal(number, before)
