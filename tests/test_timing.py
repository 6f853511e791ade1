"""Functions timed side by side, and our players' twins in PyTorch."""

from functools import partial

import jax
import numpy as np
import pytest
from experiment_files import file_of, load

from gan_jax.models.blocks import BatchNorm
from gan_jax.models.dcgan import DCGANDiscriminator, DCGANGenerator
from gan_jax.models.mlp import MLPDiscriminator, MLPGenerator
from gan_jax.models.upsampling import UpsamplingGenerator
from gan_jax.testing.timing import Times, interleaved, ratio

DEVICES = 1


def test_functions_take_turns_and_the_first_round_does_not_count():
    calls = []
    functions = {name: partial(calls.append, name) for name in "ab"}
    found = interleaved(functions, repeats=3)
    assert calls == list("abababab")
    assert [len(found[name].seconds) for name in "ab"] == [3, 3]
    with pytest.raises(ValueError, match="repeats must be at least 2, got 1"):
        interleaved(functions, repeats=1)


def test_a_ratio_is_that_of_neighbours():
    """A machine that becomes twice as slow in between changes both of a pair."""
    ours, theirs = Times([1.0, 2.0, 1.0, 2.0, 1.0]), Times([3.0, 6.0, 3.0, 6.0, 3.0])
    assert ratio(theirs, ours) == (3.0, 3.0, 3.0)
    assert ours.median == 1.0


def test_a_row_that_is_none_is_named(tmp_path):
    benchmark = load(file_of("benchmark_speed")).benchmark
    with pytest.raises(ValueError, match="there is no row 'mnist': expected some of stacked_mnist"):
        benchmark(rows=("mnist",), out=tmp_path)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "module, inputs",
    [
        (DCGANGenerator((7, 7, 2), (6, 4), (1, 2), norm_fn=BatchNorm), (3, 5)),
        (DCGANGenerator((8, 8, 1), (6, 4), kernel_size=4, use_bias=False), (3, 5)),
        (DCGANDiscriminator((4, 6), norm_fn=BatchNorm), (3, 8, 8, 2)),
        (UpsamplingGenerator((8, 8, 1), (5,), 6, (4, 4), norm_fn=BatchNorm), (3, 5)),
        (MLPGenerator((4, 4, 1), (6,)), (3, 5)),
        (MLPDiscriminator((6,)), (3, 4, 4, 1)),
    ],
)
def test_a_twin_gives_what_the_module_gives(module, inputs):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from gan_jax.testing.torch_twins import arrays_of, images_of, tensors_of, twin_of

    values = np.random.default_rng(0).normal(size=inputs).astype(np.float32)
    variables = jax.jit(partial(module.init, train=True))(jax.random.key(0), values)
    expected, _ = module.apply(
        variables, values, train=True, mutable=["batch_stats", "intermediates"]
    )
    tensors = tensors_of(variables["params"])
    found = twin_of(module)(tensors, images_of(values)).detach()
    found = found.permute(0, 2, 3, 1) if found.ndim == 4 else found
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-5)
    jax.tree.map(np.testing.assert_array_equal, arrays_of(tensors), variables["params"])
    with pytest.raises(ValueError, match="has no twin in PyTorch"):
        twin_of(torch)
