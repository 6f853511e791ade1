"""One step, every arrangement: on four CPU devices the figures are those of one."""

import jax
import numpy as np
import optax
import pytest
from games import image_game, vector_game
from jax.sharding import PartitionSpec as P

from gan_jax import losses
from gan_jax.data import ArraySource, Batches, digits, pixels_to_real
from gan_jax.game import init
from gan_jax.models.blocks import BatchNorm
from gan_jax.models.mlp import MLPGenerator
from gan_jax.training.parallel import jit_arrangement, pmap_arrangement

key = jax.random.key(0)


def trained(make, game, feed, *, calls, count, devices=None):
    arrangement = make(game, feed, devices)
    state = arrangement.put_state(jax.jit(lambda: init(game, key))())
    for call in range(calls):
        state, metrics = arrangement.train(state, feed.feed_fn(call * count, count), key)
    assert {value.shape for value in metrics.values()} == {(count,)}
    return jax.device_get(arrangement.get_state(state)), jax.device_get(metrics)


def assert_close(first, second):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), first, second)


@pytest.fixture(scope="module")
def convolutional():
    """Batch norm, spectral norm, R1 + R2, a loss that compares rows, two discriminator steps."""
    game = image_game()
    batches = Batches(digits(), batch_size=16, seed=0, steps_per_round=2)
    feed = batches.feed(pixels_to_real)
    one = trained(jit_arrangement, game, feed, calls=4, count=1, devices=jax.devices()[:1])
    return game, feed, one


@pytest.mark.parametrize("make", (jit_arrangement, pmap_arrangement))
def test_four_devices_agree_with_one(convolutional, make):
    game, feed, (state, metrics) = convolutional
    assert len(jax.devices()) == 4
    other, other_metrics = trained(make, game, feed, calls=4, count=1)
    assert_close(state, other)
    assert_close(metrics, other_metrics)


@pytest.mark.parametrize("make", (jit_arrangement, pmap_arrangement))
def test_many_steps_in_one_call_agree_with_one_step_a_call(make):
    points = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    feed = Batches(ArraySource({"point": points}), batch_size=8, seed=3, steps_per_round=2).feed(
        lambda fields: {"real": fields["point"]}
    )
    game = vector_game(
        generator=MLPGenerator((2,), (8,), norm_fn=BatchNorm),
        loss=losses.relativistic_average(),
        generator_optimizer=optax.sgd(0.1),
        discriminator_optimizer=optax.sgd(0.1),
        discriminator_steps=2,
    )
    one, _ = trained(jit_arrangement, game, feed, calls=6, count=1, devices=jax.devices()[:1])
    for count in (1, 3, 6):
        assert_close(one, trained(make, game, feed, calls=6 // count, count=count)[0])


def test_an_unrolled_call_of_convolutions_agrees_too(convolutional):
    game, feed, (state, _) = convolutional
    unrolled, _ = trained(jit_arrangement, game, feed, calls=2, count=2, devices=jax.devices()[:1])
    assert_close(state, unrolled)


def test_streamed_batches_are_those_in_memory():
    points = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    source = ArraySource({"point": points})

    class Streamed:
        def __len__(self):
            return len(source)

        def __getitem__(self, index):
            return source[index]

    game = vector_game()
    states = []
    for data in (source, Streamed()):
        feed = Batches(data, batch_size=8, seed=3).feed(lambda fields: {"real": fields["point"]})
        assert bool(feed.resident) == isinstance(data, ArraySource)
        states.append(trained(jit_arrangement, game, feed, calls=2, count=5)[0])
    jax.tree.map(np.testing.assert_array_equal, *states)


def test_a_mesh_divides_the_latents_too():
    """Without a constraint on them every device would draw them all, with the right results."""
    game = vector_game()
    feed = Batches(ArraySource({"point": np.zeros((8, 2), np.float32)}), batch_size=8, seed=0).feed(
        lambda fields: {"real": fields["point"]}
    )
    seen = []

    def spy(constraint):
        def with_sharding_constraint(rows, sharding):
            seen.append((rows.shape, sharding.spec))
            return constraint(rows, sharding)

        return with_sharding_constraint

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jax.lax, "with_sharding_constraint", spy(jax.lax.with_sharding_constraint))
        trained(jit_arrangement, game, feed, calls=1, count=1)
    assert seen and all(shape == (8, 3) and spec == P("batch") for shape, spec in seen)


@pytest.mark.parametrize("make", (jit_arrangement, pmap_arrangement))
def test_a_batch_that_the_devices_do_not_divide(make):
    game = vector_game()
    feed = Batches(ArraySource({"point": np.zeros((9, 2), np.float32)}), batch_size=6, seed=0).feed(
        lambda fields: {"real": fields["point"]}
    )
    with pytest.raises(ValueError, match="multiple of the 4 devices, such as 8"):
        trained(make, game, feed, calls=1, count=1)


@pytest.mark.parametrize("make", (jit_arrangement, pmap_arrangement))
def test_augmented_data_do_not_depend_on_the_devices(make):
    """And neither does a term of the generator."""
    points = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    feed = Batches(ArraySource({"real": points}), batch_size=8, seed=3).feed(
        dict, augment_fn=lambda key, rows: rows + jax.random.normal(key, rows.shape)
    )
    game = vector_game(
        generator_optimizer=optax.sgd(0.05),
        discriminator_optimizer=optax.sgd(0.05),
        generator_terms={
            "size": losses.GeneratorTerm(lambda key, scene: (scene.fake**2).sum(1), 0.3)
        },
    )
    one = trained(jit_arrangement, game, feed, calls=3, count=1, devices=jax.devices()[:1])
    assert_close(one, trained(make, game, feed, calls=3, count=1))
