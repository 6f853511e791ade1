"""Several processes that train one run together: who takes part, who speaks, what they agree on.

The first process writes logs, pictures, figures and the run's configuration; all of them take part
in every step and in every checkpoint. A process alone is the first of one.
"""

import errno
import glob
import importlib.util
import json
import os
import socket
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

# A process of which nothing was heard for so long is taken for dead, and the others end.
HEARTBEAT_SECONDS = 30
JOIN_SECONDS = 300


# Said when a process begins, since JAX may abort one that waits for a lost process, or whose coordinator is lost,
# with a text of its own ("another task died") and no chance of ours.
TOGETHER = (
    "process {index} of {count}: if one of them ends all end, and the newest checkpoint stays whole; then start all "
    "of them again with the same command"
)
LOST = (
    "error: another process of this run has ended, so this one ends too; the newest checkpoint is whole: start "
    "all of them again with the same command\n(--debug shows where)"
)


class OtherProcessError(RuntimeError):
    """The first process cannot go on, so none can."""


def join(
    coordinator: str | None = None, num_processes: int | None = None, process_id: int | None = None
) -> None:
    """Joins the other processes of the run; before anything else is asked of JAX.

    Without arguments they are found on Cloud TPU pods, GKE, SLURM (``srun``), Open MPI and wherever
    JAX_COORDINATOR_ADDRESS is set; elsewhere the process is alone.

    Args:
        coordinator: ``HOST:PORT`` of process 0, a free port there.
        num_processes: of the run, at least 1.
        process_id: of this one, from 0.

    Raises:
        ValueError: some of the three are given and others are not, or they make no sense.
        OtherProcessError: the others did not come.
    """
    given = (coordinator, num_processes, process_id)
    if given != (None, None, None):
        _check(*given)
    elif not (_others_are_named() or _has_tpu()):
        return
    listen_at = _listen_at(coordinator) if process_id == 0 else None
    if jax.config.jax_cpu_collectives_implementation is None:
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
    try:
        jax.distributed.initialize(
            *given,
            coordinator_bind_address=listen_at,
            initialization_timeout=JOIN_SECONDS,
            heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
            shutdown_timeout_seconds=2 * HEARTBEAT_SECONDS,
        )
    except ValueError:
        if given != (None, None, None) or _others_are_named():
            raise
        # chips, and nothing that JAX knows as a pod around them: alone
    except RuntimeError as error:
        raise OtherProcessError(
            f"the processes of this run did not find each other ({str(error).splitlines()[0]}): expected "
            f"{num_processes or 'all'} of them within {JOIN_SECONDS} s, started with the same command and "
            "--process-id 0, 1, ..."
        ) from error


def _others_are_named() -> bool:
    """Whether environment variables (SLURM, Open MPI, JAX) announce more than one process."""
    counts = ("SLURM_STEP_NUM_TASKS", "OMPI_COMM_WORLD_SIZE")
    several = any(_count(name) > 1 for name in counts)
    return several or "JAX_COORDINATOR_ADDRESS" in os.environ


def _count(name: str) -> int:
    """How many processes an environment variable announces; 1 where it is not set."""
    text = os.environ.get(name, "1")
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise ValueError(
            f"the environment variable {name} must be a number of processes, got {text!r}: mend it, or unset it "
            "where the run is one process"
        )
    return int(text)


def _has_tpu() -> bool:
    """Whether this is a TPU machine, which knows its pod by itself, and its chips are to be used."""
    chips = glob.glob("/dev/accel[0-9]*") + glob.glob("/dev/vfio/[0-9]*")
    wanted = os.environ.get("JAX_PLATFORMS", "tpu").split(",")[0] == "tpu"
    return bool(chips) and wanted and importlib.util.find_spec("libtpu") is not None


def _check(coordinator: str | None, num_processes: int | None, process_id: int | None) -> None:
    if None in (coordinator, num_processes, process_id):
        raise ValueError(
            "several processes need all of --coordinator HOST:PORT, --num-processes N and --process-id I; "
            f"got {coordinator}, {num_processes} and {process_id}"
        )
    host, _, port = coordinator.rpartition(":")
    if not (host and port.isascii() and port.isdecimal() and 0 < int(port) < 2**16):
        raise ValueError(
            f"--coordinator must be HOST:PORT with a port of 1 .. 65535, got {coordinator!r}"
        )
    if num_processes < 1:
        raise ValueError(f"--num-processes must be at least 1, got {num_processes}")
    if not 0 <= process_id < num_processes:
        raise ValueError(
            f"--process-id must be in 0 .. {num_processes - 1} (--num-processes {num_processes}), got "
            f"{process_id}"
        )


def _listen_at(coordinator: str) -> str | None:
    """Where process 0 listens: at the address that was given; None (everywhere) where it is none of this machine's.

    That is so behind a translation of addresses, such as that of a container.

    Raises:
        ValueError: the port is taken.
    """
    host, _, port = coordinator.rpartition(":")
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    except OSError:
        return None  # JAX says it to all of them
    for family, kind, protocol, _, address in found:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise ValueError(
                        f"--coordinator {coordinator}: another program listens at that port, choose a free one"
                    ) from error
                return None
    return coordinator


def is_first() -> bool:
    """Whether this process speaks for the run."""
    return jax.process_index() == 0


def on_first(call: Callable[[], Any]) -> Any:
    """What the first process makes of a call, on every process; the others wait for it.

    Args:
        call: returns what JSON holds.

    Raises:
        OtherProcessError: on the others, where it raises.
    """
    if jax.process_count() == 1:
        return call()
    said, raised = {}, None
    if is_first():
        try:
            said = {"value": call()}
        except Exception as error:
            said, raised = {"error": str(error) or type(error).__name__}, error
    said = _broadcast(said)
    if raised is not None:
        raise raised
    if "error" in said:
        raise OtherProcessError(f"the first process cannot go on: {said['error']}")
    return said["value"]


def _broadcast(tree: Any) -> Any:
    """JSON of the first process."""
    text = np.frombuffer(json.dumps(tree).encode(), np.uint8)
    length = int(multihost_utils.broadcast_one_to_all(np.int32(len(text))))
    sent = np.zeros(length, np.uint8)
    if is_first():
        sent[:] = text
    return json.loads(np.asarray(multihost_utils.broadcast_one_to_all(sent)).tobytes())


def largest(number: int) -> int:
    """The largest of the processes' numbers."""
    if jax.process_count() == 1:
        return number
    return int(np.max(multihost_utils.process_allgather(np.int32(number))))


def lost(error: Exception) -> bool:
    """Whether an error of JAX says that another process cannot be reached."""
    signs = ("Gloo", "closed by peer", "heartbeat", "UNAVAILABLE", "NCCL", "unhealthy")
    return isinstance(error, jax.errors.JaxRuntimeError) and any(s in str(error) for s in signs)
