"""Networks along time: the fast forms are the plain ones, phase shuffle moves, judges see their own views."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_networks import abstract, count, drawn, normal, played

from gan_jax.models import convolutions_1d as forms
from gan_jax.models.judges import Judges, views
from gan_jax.models.mlp import MLPDiscriminator
from gan_jax.models.wavegan import PhaseShuffle, WaveGANDiscriminator, WaveGANGenerator
from gan_jax.testing import model_laws

DEVICES = 1
GENERATOR = WaveGANGenerator(64, (4, 3, 2), kernel_size=9, num_classes=3)
DISCRIMINATOR = WaveGANDiscriminator((2, 3, 4), kernel_size=9, num_classes=3)
LABELS = np.arange(4, dtype=np.int32) % 3


@pytest.mark.parametrize(("taps", "stride"), [(25, 4), (5, 2), (4, 2), (3, 4)])
@pytest.mark.parametrize("length", [8, 24])
def test_the_fast_forms_are_the_plain_ones(taps, stride, length):
    kernel = normal(taps, 2, 3, seed=1) / taps
    pairs = [
        (forms.space_to_depth_conv_1d, forms.native_conv_1d),
        (forms.sub_pixel_conv_1d, forms.native_conv_transpose_1d),
    ]
    for fast, plain in pairs:
        found, expected = (_with_gradients(form, length, kernel, stride) for form in (fast, plain))
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def _with_gradients(form, length, kernel, stride):
    sequences = normal(2, length, 2)

    def weighted(sequences, kernel):
        output = form(sequences, kernel, stride)
        return jnp.sum(output * jnp.cos(jnp.arange(output.size)).reshape(output.shape))

    output = form(sequences, kernel, stride)
    return output, *jax.grad(weighted, (0, 1))(jnp.asarray(sequences), jnp.asarray(kernel))


def test_the_published_networks_have_their_parameters():
    """Donahue et al. 2019, tables 3 and 4, with 100 latents and one channel."""
    sizes = (1024, 512, 256, 128, 64)
    chain = [(25 * a + 1) * b for a, b in zip(sizes, (*sizes[1:], 1), strict=True)]
    generator = WaveGANGenerator(16384, sizes)
    assert count(abstract(generator, jnp.zeros((1, 100)))) == 101 * 16384 + sum(chain)
    back = (1, *sizes[::-1])
    chain = [(25 * a + 1) * b for a, b in itertools.pairwise(back)]
    discriminator = WaveGANDiscriminator(sizes[::-1])
    assert count(abstract(discriminator, jnp.zeros((1, 16384)))) == sum(chain) + 16384 + 1


@pytest.mark.parametrize("law", model_laws(GENERATOR, DISCRIMINATOR, normal(4, 6), LABELS), ids=str)
def test_laws(law):
    law()


def test_phase_shuffle_moves_a_whole_batch_and_mirrors_its_ends():
    steps = jnp.arange(12.0).reshape(1, 12, 1) + jnp.zeros((3, 1, 1))
    shuffle = PhaseShuffle(2)
    seen = set()
    for seed in range(20):
        moved = shuffle.apply({}, steps, train=True, rngs={"shuffle": jax.random.key(seed)})
        assert (moved == moved[:1]).all()
        shift = int(moved[0, 5, 0]) - 5
        expected = np.pad(np.arange(12.0), 2, mode="reflect")[2 + shift :][:12]
        np.testing.assert_array_equal(moved[0, :, 0], expected)
        seen.add(shift)
    assert seen == {-2, -1, 0, 1, 2}
    assert (shuffle.apply({}, steps, train=False) == steps).all()


def test_each_judge_sees_its_view_and_all_are_trained():
    judges = Judges({"wave": DISCRIMINATOR, "mean": MLPDiscriminator((3,), num_classes=3)})
    show = views(
        wave=lambda sounds: sounds, mean=lambda sounds: sounds.reshape(len(sounds), 4, 16).mean(1)
    )
    real = normal(4, 64, seed=2)
    played(GENERATOR, judges, real, labels=LABELS, show_fn=show)
    seen = {"wave": real, "mean": real[:, :16]}
    variables = drawn(judges, seen, LABELS)
    before = judges.apply(variables, seen, LABELS, train=False)
    after = judges.apply(variables, seen | {"mean": -seen["mean"]}, LABELS, train=False)
    assert (before["wave"] == after["wave"]).all() and not (before["mean"] == after["mean"]).any()


def test_what_does_not_fit_is_refused():
    with pytest.raises(
        ValueError, match="3 layers of stride 4 need a multiple of 64 samples, got 80"
    ):
        abstract(GENERATOR.clone(length=80), normal(4, 6), LABELS)
    with pytest.raises(ValueError, match=r"judges look at wave, got .'mel'"):
        abstract(Judges({"wave": DISCRIMINATOR}), {"mel": normal(4, 64)}, LABELS)
