"""What a session may cost: seconds of a worker for each file, and its memory.

``.ci/run`` sets ``TESTS_WITHIN_BUDGET=1``: there a session that spends more has failed.
"""

import os
import resource
import sys
from collections import Counter

import jax
import pytest

HITS, REQUESTS = "cache_hits", "compile_requests_use_cache"  # as jax.monitoring calls them

SECONDS = 60  # of a file, in one worker: a longer one is cut in two
LISTED_SECONDS = 20  # a file beyond them belongs into the list
GIGABYTES = 2.0  # of a worker, at its peak

# Worker seconds on two cores, the longest first.
SLOWEST_FIRST = [
    "test_experiments",
    "test_parallel",
    "test_processes",
    "test_command_line",
    "test_game",
    "test_hard_games",
    "test_resuming",
    "test_tutorials",
    "test_measuring",
    "test_evaluate",
    "test_benchmark",
    "test_training",
    "test_seeds",
    "test_accumulation",
    "test_remedies",
    "test_models",
    "test_exact_games",
    "test_replay",
    "test_metrics",
    "test_streaming",
    "test_report",
]


def peak_gigabytes() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "linux" else 2**30)  # bytes on a Mac


class Budget:
    """Hooks that add up what the tests cost, and say where it is too much."""

    def __init__(self, config):
        self.config = config
        self.seconds = Counter()
        self.peaks = {}
        self.programs = Counter()  # compiled ones that were looked for on disk
        jax.monitoring.register_event_listener(self._count)

    def _count(self, event, **details):
        if event.startswith("/jax/compilation_cache/"):
            self.programs[event.rsplit("/", 1)[-1]] += 1

    def pytest_runtest_logreport(self, report):
        self.seconds[report.nodeid.split("::")[0]] += report.duration

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node, error):
        """A worker's last word, in the first process."""
        said = getattr(node, "workeroutput", {})  # one that died said nothing
        self.peaks[node.gateway.id] = said.get("peak_gigabytes", 0.0)
        self.programs += Counter(said.get("programs", {}))

    def pytest_sessionfinish(self, session):
        if hasattr(self.config, "workeroutput"):
            said = {"peak_gigabytes": peak_gigabytes(), "programs": dict(self.programs)}
            self.config.workeroutput.update(said)
            return
        self.peaks = self.peaks or {"the session": peak_gigabytes()}
        if session.exitstatus == 0 and self.excesses() and _is_checked():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def excesses(self) -> list[str]:
        """What is beyond the budget, a line each."""
        files = [
            f"{file}: {seconds:.0f} worker seconds, more than {SECONDS}"
            for file, seconds in self.seconds.most_common()
            if seconds > SECONDS
        ]
        return files + [
            f"{worker}: {peak:.1f} GB at its peak, more than {GIGABYTES}"
            for worker, peak in sorted(self.peaks.items())
            if peak > GIGABYTES
        ]

    def pytest_terminal_summary(self, terminalreporter):
        """The costs of a whole session; of a few files there is nothing to say unless it is too much."""
        peaks = ", ".join(f"{peak:.1f}" for _, peak in sorted(self.peaks.items()))
        total = sum(self.seconds.values())
        terminalreporter.write_sep("=", "budget")
        terminalreporter.write_line(f"{total:.0f} worker seconds; peak GB of each worker: {peaks}")
        for file, seconds in self.seconds.most_common(10):
            terminalreporter.write_line(f"{seconds:6.1f} s  {file}")
        if os.environ.get(
            "JAX_COMPILATION_CACHE_DIR"
        ):  # one that never hits says no more than this
            found, asked = (self.programs[name] for name in (HITS, REQUESTS))
            terminalreporter.write_line(f"compiled programs found on disk: {found} of {asked}")
        unlisted = [file for file, seconds in self.seconds.items() if self._is_unlisted(file)]
        for file in unlisted:
            terminalreporter.write_line(f"{file} belongs into SLOWEST_FIRST (tests/budget.py)")
        for line in self.excesses():
            terminalreporter.write_line(f"beyond the budget: {line}", red=True)

    def _is_unlisted(self, file: str) -> bool:
        name = file.rsplit("/", 1)[-1].removesuffix(".py")
        return self.seconds[file] > LISTED_SECONDS and name not in SLOWEST_FIRST


def _is_checked() -> bool:
    return os.environ.get("TESTS_WITHIN_BUDGET") == "1"
