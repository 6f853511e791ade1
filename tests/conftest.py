"""A strict session: several CPU devices, no rank promotion, warnings are errors, shapes checked.

The compiler does little for the tests' programs, because most of the tests' time would be its own;
``TESTS_AS_USERS=1`` compiles them as users do.
"""

import atexit
import ctypes
import gc
import os
import runpy
import shutil
import sys
import tempfile
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

# Before JAX is imported, and in the first process only: workers and commands inherit it. XLA ends a process
# that names a flag that it does not know: where a new jaxlib does, TESTS_AS_USERS=1 sets none.
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["JAX_PLATFORMS"] = "cpu"
    if os.environ.get("TESTS_AS_USERS") != "1":
        flags = "--xla_backend_optimization_level=0"
        if tuple(map(int, version("jaxlib").split(".")[:2])) < (0, 11):
            # without it the first flag gains little: level 0 still runs the slow MLIR emitters of fusions
            flags += " --xla_cpu_use_fusion_emitters=false"
        os.environ["XLA_FLAGS"] = f"{flags} {os.environ.get('XLA_FLAGS', '')}"
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        # many runs of a session are of one program: its workers and commands compile it once
        compiled = tempfile.mkdtemp(prefix="gan_jax_compiled_")
        atexit.register(shutil.rmtree, compiled, ignore_errors=True)
        os.environ["JAX_COMPILATION_CACHE_DIR"] = compiled
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.05"

import jax
import pytest
from budget import SLOWEST_FIRST, Budget
from hypothesis import settings
from image_sets import write_image_sets
from jaxtyping import install_import_hook

ROOT = Path(__file__).parents[1]

jax.config.update("jax_num_cpu_devices", 8)
jax.config.update("jax_numpy_rank_promotion", "raise")
# A Python loop over a step with collectives on several fake CPU devices deadlocks otherwise.
jax.config.update("jax_cpu_enable_async_dispatch", False)

settings.register_profile("ci", deadline=None, derandomize=True, max_examples=25)
settings.register_profile("random", deadline=None, max_examples=500)  # each time other examples
settings.load_profile("random" if os.environ.get("TESTS_RANDOM") == "1" else "ci")

# The figures' path without a display, here and in the commands that tests start.
os.environ["MPLBACKEND"] = "agg"

# Signatures are checked against what is passed, in the tests only.
install_import_hook(
    ["gan_jax.losses", "gan_jax.penalties", "gan_jax.augment", "gan_jax.metrics.classes"],
    "beartype.beartype",
)


def pytest_configure(config):
    config.pluginmanager.register(Budget(config))


def pytest_collection_modifyitems(items):
    """A long file that a worker gets last would keep it busy while the others have ended."""
    place = {name: index for index, name in enumerate(SLOWEST_FIRST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory, worker_id):
    """No test finds what another session trained; the workers of one share it."""
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "cache"
    shared.mkdir(exist_ok=True)
    os.environ["XDG_CACHE_HOME"] = str(shared)


@contextmanager
def first_devices(count):
    devices = jax.devices()[:count]
    with pytest.MonkeyPatch.context() as patch:
        for name in ("devices", "local_devices"):
            patch.setattr(jax, name, lambda: devices)
        yield


@pytest.fixture(autouse=True, scope="module")
def devices_of_the_module(request):
    """All eight, or as many as a module says in ``DEVICES``: a run takes all there are, and eight cost half more."""
    with first_devices(getattr(request.module, "DEVICES", 8)):
        yield


@pytest.fixture(autouse=True, scope="module")
def programs_end_with_their_module():
    """Thousands of compiled programs took 4 GB in each worker; a module rarely needs another's."""
    yield
    jax.clear_caches()
    gc.collect()
    if (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)  # glibc keeps half of what was freed


@pytest.fixture
def command_here(monkeypatch, capsys):
    """A command in the test's process -> exit code, stdout, stderr: to start one takes seconds."""

    def call(*args):
        first, *others = map(str, args)
        monkeypatch.chdir(ROOT)
        monkeypatch.setattr(sys, "path", list(sys.path))  # a script's folder is put in front
        run, name = runpy.run_path, first
        if first == "-m":
            run, name = runpy.run_module, others.pop(0)
        monkeypatch.setattr(sys, "argv", [name, *others])
        try:
            run(name, run_name="__main__")
        except SystemExit as ended:
            return ended.code, *capsys.readouterr()
        return 0, *capsys.readouterr()

    return call


@pytest.fixture(scope="session")
def image_sets(tmp_path_factory):
    """A folder of TFDS that every machine has."""
    root = tmp_path_factory.mktemp("tfds")
    write_image_sets(root)
    return root


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """The small game of test_training, never interrupted; who writes into its folder copies it."""
    from test_training import DEVICES, train

    run_dir = tmp_path_factory.mktemp("whole")
    with first_devices(DEVICES):  # this fixture comes before those of a module
        train(run_dir, curves=True)
    return run_dir
