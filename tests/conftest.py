"""A strict session: several CPU devices, no rank promotion, warnings are errors, shapes checked."""

import os

import jax
import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

jax.config.update("jax_num_cpu_devices", 8)
jax.config.update("jax_numpy_rank_promotion", "raise")
# A Python loop over a step with collectives on several fake CPU devices deadlocks otherwise.
jax.config.update("jax_cpu_enable_async_dispatch", False)

settings.register_profile("ci", deadline=None, derandomize=True, max_examples=25)
settings.load_profile("ci")

# The figures' path without a display, here and in the commands that tests start.
os.environ["MPLBACKEND"] = "agg"

# Signatures are checked against what is passed, in the tests only.
install_import_hook(
    ["gan_jax.losses", "gan_jax.penalties", "gan_jax.augment", "gan_jax.metrics.classes"],
    "beartype.beartype",
)


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory):
    """No test finds what another session trained."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
