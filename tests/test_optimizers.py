"""Named layers at another rate, and the others as they were."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax.optimizers import slower_layers


def test_named_layers_take_their_share_of_each_step():
    params = {"Dense_0": {"kernel": jnp.ones((2, 2))}, "Conv_0": {"kernel": jnp.ones(3)}}
    gradients = jax.tree.map(lambda leaf: 3.0 * leaf, params)
    optimizer = slower_layers(optax.sgd, 0.5, layers=["Dense_0"], factor=0.01)
    updates, _ = optimizer.update(gradients, optimizer.init(params), params)
    np.testing.assert_allclose(updates["Dense_0"]["kernel"], -3.0 * 0.005 * np.ones((2, 2)))
    np.testing.assert_allclose(updates["Conv_0"]["kernel"], -3.0 * 0.5 * np.ones(3))
    none = slower_layers(optax.adam, 0.5, layers=["Dense_0"], factor=0.0)
    updates, _ = none.update(gradients, none.init(params), params)
    assert (updates["Dense_0"]["kernel"] == 0).all() and (updates["Conv_0"]["kernel"] != 0).all()


@pytest.mark.parametrize("rate, factor", [(0.0, 0.1), (0.1, -1.0), (float("nan"), 0.1)])
def test_rates_out_of_range(rate, factor):
    with pytest.raises(ValueError, match="must be positive and factor not negative"):
        slower_layers(optax.sgd, rate, layers=[], factor=factor)
