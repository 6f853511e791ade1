"""CoGAN: what is shared exists once and serves both domains, what is a domain's own serves it alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_networks import abstract, applied, count, drawn, normal, played

from gan_jax.models.blocks import spectral
from gan_jax.models.coupled import CoupledDiscriminator, CoupledGenerator, unpaired

DEVICES = 1
SHAPE = (4, 4, 1)
GENERATOR = CoupledGenerator(SHAPE, (5, 4), kernel_size=3)
DISCRIMINATOR = CoupledDiscriminator((3, 4), kernel_size=3)
PAIRS = {name: normal(4, *SHAPE, seed=seed) for seed, name in enumerate("ab")}


def kernel(inputs, outputs):
    return 3 * 3 * inputs * outputs


def test_shared_parameters_exist_once():
    projection, first, own = (6 + 1) * 5 + 2 * 5, kernel(5, 4) + 4 + 2 * 4, kernel(4, 1) + 1
    assert count(abstract(GENERATOR, normal(4, 6))) == projection + first + 2 * own
    more = GENERATOR.clone(own_layers=2)
    assert count(abstract(more, normal(4, 6))) == projection + 2 * (first + own)
    own, shared = kernel(1, 3) + 3, kernel(3, 4) + 4 + (4 + 1)
    for judges in (DISCRIMINATOR, DISCRIMINATOR.clone(constrain_fn=spectral)):
        assert count(abstract(judges, PAIRS)) == 2 * own + shared


@pytest.mark.parametrize(
    ("module", "inputs", "layers"),
    [
        (GENERATOR, normal(4, 6), {"shared_0": "ab", "a_1": "a", "b_1": "b"}),
        (DISCRIMINATOR, PAIRS, {"shared_1": "ab", "a_0": "a", "b_0": "b"}),
    ],
    ids=["generator", "discriminator"],
)
def test_a_shared_layer_serves_both_domains_and_an_own_one_its_own(module, inputs, layers):
    variables = drawn(module, inputs)
    before = applied(module, variables, inputs, train=False)
    assert before.keys() == {"a", "b"}
    for layer, served in layers.items():
        moved = jax.tree.map(lambda leaf: leaf + 0.1, variables["params"][layer])
        changed = variables | {"params": variables["params"] | {layer: moved}}
        after = applied(module, changed, inputs, train=False)
        others = {name for name in before if not np.array_equal(after[name], before[name])}
        assert others == set(served)


def test_both_domains_are_trained_in_every_layer():
    batch = {name: {"real": images} for name, images in PAIRS.items()}
    generator = GENERATOR.clone(norm_fn=None, projection_norm_fn=None)
    played(generator, DISCRIMINATOR, batch, show_fn=unpaired)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"own_layers must be 1 to 2, .* got 0"):
        abstract(GENERATOR.clone(own_layers=0), normal(4, 6))
    with pytest.raises(ValueError, match=r"domains \('a', 'b'\), got \['a'\]"):
        abstract(DISCRIMINATOR, {"a": jnp.zeros((4, *SHAPE))})
