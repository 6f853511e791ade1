"""What a session may cost: CPU seconds of each file, and memory of each worker.

Of a worker and the commands that it started: seconds by the clock grow with whatever else the machine does.
On cores of their own the two agree.

``.ci/run`` sets ``TESTS_WITHIN_BUDGET=1``: there a session that spends more has failed.
"""

import os
import resource
import sys
from collections import Counter

import jax
import pytest

HITS, REQUESTS = "cache_hits", "compile_requests_use_cache"  # as jax.monitoring calls them

THOROUGH = "the thorough tests of all files"

SECONDS = 90  # of a file, on a slow machine (60 on a fast one): a longer one is cut in two
LISTED_SECONDS = 20  # a file beyond them belongs into the list
GIGABYTES = 2.0  # of a worker, at its peak

# The longest first.
SLOWEST_FIRST = [
    "test_parallel",
    "test_image_experiments",
    "test_command_line",
    "test_variants",
    "test_contract",
    "test_hard_games",
    "test_game",
    "test_seeds",
    "test_resuming",
    "test_processes",
    "test_accumulation",
    "test_remedies",
    "test_traced_experiments",
    "test_experiments",
    "test_tutorials",
    "test_measuring",
    "test_training",
    "test_benchmark",
    "test_exact_games",
    "test_health",
    "test_replay",
    "test_messages",
    "test_metrics",
    "test_evaluate",
    "test_topology",
    "test_streaming",
    "test_estimators",
    "test_golden",
    "test_kills",
    "test_compositions",
    "test_wavegan",
    "test_models",
]


def cpu_seconds() -> float:
    """Of this process and of those that it started and saw end."""
    return sum(os.times()[:4])


def peak_gigabytes() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "linux" else 2**30)  # bytes on a Mac


class Budget:
    """Hooks that add up what the tests cost, and say where it is too much."""

    def __init__(self, config):
        self.config = config
        self.seconds = Counter()
        self.since = None
        self.peaks = {}
        self.programs = Counter()  # compiled ones that were looked for on disk
        jax.monitoring.register_event_listener(self._count)

    def _count(self, event, **details):
        if event.startswith("/jax/compilation_cache/"):
            self.programs[event.rsplit("/", 1)[-1]] += 1

    def pytest_runtest_logstart(self):
        self.since = self.since or cpu_seconds()  # collecting and importing belong to no file

    def pytest_runtest_logreport(self, report):
        """The budget is that of a plain pytest."""
        if hasattr(report, "node"):  # a worker's: it counts for itself
            return
        now, plain = cpu_seconds(), "thorough" not in report.keywords
        self.seconds[report.nodeid.split("::")[0] if plain else THOROUGH] += now - self.since
        self.since = now

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node, error):
        """A worker's last word, in the first process."""
        said = getattr(node, "workeroutput", {})  # one that died said nothing
        self.peaks[node.gateway.id] = said.get("peak_gigabytes", 0.0)
        self.programs += Counter(said.get("programs", {}))
        self.seconds += Counter(said.get("seconds", {}))

    def pytest_sessionfinish(self, session):
        if hasattr(self.config, "workeroutput"):
            counted = {"programs": dict(self.programs), "seconds": dict(self.seconds)}
            self.config.workeroutput.update(counted, peak_gigabytes=peak_gigabytes())
            return
        self.peaks = self.peaks or {"the session": peak_gigabytes()}
        if session.exitstatus == 0 and self.excesses() and _is_checked():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def excesses(self) -> list[str]:
        """What is beyond the budget, a line each."""
        files = [
            f"{file}: {seconds:.0f} CPU seconds, more than {SECONDS}"
            for file, seconds in self.seconds.most_common()
            if seconds > SECONDS and file != THOROUGH
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
        terminalreporter.write_line(f"{total:.0f} CPU seconds; peak GB of each worker: {peaks}")
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
        return self.seconds[file] > LISTED_SECONDS and name not in (*SLOWEST_FIRST, THOROUGH)


def _is_checked() -> bool:
    return os.environ.get("TESTS_WITHIN_BUDGET") == "1"
