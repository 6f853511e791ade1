"""One step, every arrangement: on eight CPU devices the figures are those of one."""

import dataclasses
from functools import partial

import jax
import numpy as np
import optax
import pytest
from games import image_game, vector_game
from jax.sharding import PartitionSpec as P

from gan_jax import losses
from gan_jax.augment import of_example
from gan_jax.data import ArraySource, Batches, as_is, digits, image_fields
from gan_jax.data.batches import side_by_side
from gan_jax.game import Term, init
from gan_jax.game.keys import run_keys
from gan_jax.models.blocks import BatchNorm
from gan_jax.models.minibatch_std import MinibatchStd
from gan_jax.models.mlp import MLPGenerator
from gan_jax.training.parallel import jit_arrangement, pmap_arrangement, shard_map_arrangement
from gan_jax.training.sharding import PARAMETER_AXIS, device_mesh, state_sharding

key = jax.random.key(0)
ARRANGEMENTS = {
    "jit": jit_arrangement,
    "parameters in two": partial(jit_arrangement, parameter_shards=2),
    "parameters in eight": partial(jit_arrangement, parameter_shards=8),
    "shard_map": shard_map_arrangement,
    "pmap": pmap_arrangement,
}
every_arrangement = pytest.mark.parametrize("make", ARRANGEMENTS.values(), ids=ARRANGEMENTS)
SEEDS = 2


def trained(make, game, feed, *, calls, count, devices=None, key=key):
    make = partial(make, num_seeds=len(key)) if key.shape else make
    arrangement = make(game, feed, devices)
    state = arrangement.put_state(first_state(game, feed, key))
    for call in range(calls):
        state, metrics = arrangement.train(state, feed.feed_fn(call * count, count), key)
    assert {value.shape for value in metrics.values()} == {(*key.shape, count)}
    return jax.device_get(arrangement.get_state(state)), jax.device_get(metrics)


def first_state(game, feed, key):
    """Initialised on the first batch, of each seed its own."""

    def new(tree, key):
        return init(game, key, feed.load_fn(feed.resident, tree, run_keys(key).data))

    tree = feed.feed_fn(0, 1)
    if not key.shape:
        return jax.jit(new)(jax.tree.map(lambda leaf: leaf[0], tree), key)
    return jax.jit(jax.vmap(new))(jax.tree.map(lambda leaf: leaf[:, 0], tree), key)


def assert_close(first, second):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), first, second)


def digits_feed(seed=0):
    return Batches(digits(), batch_size=32, seed=seed, steps_per_round=2).feed(image_fields)


def everything(**changes):
    """Batch norm, spectral norm, minibatch deviation, R1 + R2, a loss that compares rows, two
    discriminator steps, the moving average; SGD, which hides no factor of N, at a rate at which the game
    does not multiply rounding errors (at 0.02, 1e-9 became 1e-3 in ten steps)."""
    sgd = optax.sgd(0.005)
    game = image_game(generator_optimizer=sgd, discriminator_optimizer=sgd, **changes)
    statistic = partial(MinibatchStd, group_size=2)
    return dataclasses.replace(game, discriminator=game.discriminator.clone(statistic_fn=statistic))


@pytest.fixture(scope="module")
def one():
    """Ten steps on one device."""
    return trained(
        jit_arrangement, everything(), digits_feed(), calls=10, count=1, devices=jax.devices()[:1]
    )


# What the others leave out is run elsewhere.
MARKS = {
    "parameters in two": pytest.mark.thorough,
    "shard_map": pytest.mark.thorough,
    "parameters in eight": pytest.mark.slow,
    "pmap": pytest.mark.slow,
}
EIGHT_DEVICES = [pytest.param(name, marks=MARKS.get(name, ())) for name in ARRANGEMENTS]


@pytest.mark.parametrize("name", EIGHT_DEVICES)
def test_eight_devices_agree_with_one(one, name):
    assert len(jax.devices()) == 8
    state, metrics = trained(ARRANGEMENTS[name], everything(), digits_feed(), calls=10, count=1)
    assert_close(one[0], state)
    assert_close(one[1], metrics)


@pytest.fixture(scope="module")
def seeds():
    """Two seeds side by side: their feed, their keys, and what one device makes of them."""
    feed = side_by_side([digits_feed(seed) for seed in range(SEEDS)])
    keys = jax.vmap(jax.random.key)(np.arange(SEEDS))
    one_device = dict(calls=3, count=1, devices=jax.devices()[:1], key=keys)
    return feed, keys, trained(jit_arrangement, everything(), feed, **one_device)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("jit", marks=pytest.mark.thorough),
        *(pytest.param(n, marks=pytest.mark.slow) for n in list(ARRANGEMENTS)[1:]),
    ],
)
def test_eight_devices_agree_with_one_for_an_ensemble(seeds, name):
    feed, keys, expected = seeds
    found = trained(ARRANGEMENTS[name], everything(), feed, calls=3, count=1, key=keys)
    assert_close(expected, found)


@pytest.mark.thorough
def test_a_seed_of_an_ensemble_is_that_seed(seeds):
    _, keys, (state, _) = seeds
    alone = dict(calls=3, count=1, devices=jax.devices()[:1], key=keys[1])
    second, _ = trained(jit_arrangement, everything(), digits_feed(1), **alone)
    assert_close(jax.tree.map(lambda leaf: leaf[1], state), second)


def test_parameters_lie_in_parts():
    game = vector_game(latent_size=4)
    points = ArraySource({"real": np.zeros((8, 2), np.float32)})
    feed = Batches(points, batch_size=8, seed=0).feed(as_is)
    arrangement = jit_arrangement(game, feed, parameter_shards=4)
    state = arrangement.put_state(first_state(game, feed, key))
    state, _ = arrangement.train(state, feed.feed_fn(0, 1), key)
    kernels = [
        leaf
        for leaf in jax.tree.leaves(state)
        if leaf.ndim > 1 and any(length % 4 == 0 for length in leaf.shape)
    ]
    assert len(kernels) > 8  # of both players, of their optimizers and of the moving average
    for leaf in kernels:
        assert leaf.addressable_data(0).size * 4 == leaf.size
    mesh = device_mesh(parameter_shards=4)
    assert state_sharding(mesh, np.zeros((3, 8, 12))).spec == P(None, None, PARAMETER_AXIS)
    assert state_sharding(mesh, np.zeros((3, 5))).spec == P()
    assert state_sharding(mesh, np.zeros(8)).spec == P()
    with pytest.raises(ValueError, match="parameter_shards=3 must divide the number of devices, 8"):
        device_mesh(parameter_shards=3)


@pytest.mark.parametrize(
    "name, counts",
    [
        ("jit", (2, 6)),
        ("shard_map", (3,)),
        pytest.param(
            "pmap", (3,), marks=pytest.mark.thorough
        ),  # the program of shard_map, cut by pmap
    ],
)
def test_many_steps_in_one_call_agree_with_one_step_a_call(name, counts):
    points = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    feed = Batches(ArraySource({"point": points}), batch_size=8, seed=3, steps_per_round=2).feed(
        lambda key, example: {"real": example["point"]}
    )
    game = vector_game(
        generator=MLPGenerator((2,), (8,), norm_fn=BatchNorm),
        loss=losses.relativistic_average(),
        generator_optimizer=optax.sgd(0.1),
        discriminator_optimizer=optax.sgd(0.1),
        discriminator_steps=2,
    )
    one, _ = trained(jit_arrangement, game, feed, calls=6, count=1, devices=jax.devices()[:1])
    for count in counts:
        assert_close(one, trained(ARRANGEMENTS[name], game, feed, calls=6 // count, count=count)[0])


@pytest.mark.thorough
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
        feed = Batches(data, batch_size=8, seed=3).feed(
            lambda key, example: {"real": example["point"]}
        )
        assert feed.streamed != isinstance(data, ArraySource)
        states.append(trained(jit_arrangement, game, feed, calls=2, count=5)[0])
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6), *states)


def test_a_mesh_divides_the_latents_too():
    """Without a constraint on them every device would draw them all, with the right results."""
    game = vector_game()
    feed = Batches(ArraySource({"point": np.zeros((8, 2), np.float32)}), batch_size=8, seed=0).feed(
        lambda key, example: {"real": example["point"]}
    )
    seen = []

    def spy(constraint):
        def with_sharding_constraint(rows, sharding):
            if isinstance(rows, jax.Array):
                seen.append((rows.shape, sharding.spec))
            return constraint(rows, sharding)

        return with_sharding_constraint

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jax.lax, "with_sharding_constraint", spy(jax.lax.with_sharding_constraint))
        trained(jit_arrangement, game, feed, calls=1, count=1)
    assert seen and ((8, 3), P(("batch", PARAMETER_AXIS))) in seen


@every_arrangement
def test_a_batch_that_the_devices_do_not_divide(make):
    game = vector_game()
    feed = Batches(ArraySource({"point": np.zeros((9, 2), np.float32)}), batch_size=6, seed=0).feed(
        lambda key, example: {"real": example["point"]}
    )
    with pytest.raises(ValueError, match="multiple of the 8 devices, such as 8"):
        trained(make, game, feed, calls=1, count=1)


@pytest.mark.parametrize("name", ("jit", "shard_map"))
def test_augmented_data_do_not_depend_on_the_devices(name):
    """And neither does a term of the generator."""
    points = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    feed = Batches(ArraySource({"real": points}), batch_size=8, seed=3).feed(
        as_is, augment_fn=of_example(lambda key, x: x + jax.random.normal(key, x.shape))
    )
    game = vector_game(
        generator_optimizer=optax.sgd(0.05),
        discriminator_optimizer=optax.sgd(0.05),
        generator_terms={"size": Term(lambda key, context: (context.fake.samples**2).sum(1), 0.3)},
    )
    one = trained(jit_arrangement, game, feed, calls=3, count=1, devices=jax.devices()[:1])
    assert_close(one, trained(ARRANGEMENTS[name], game, feed, calls=3, count=1))
