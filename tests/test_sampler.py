"""What a sampler and the data promise to whoever measures or shows: the same rows, whatever is asked beside them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.data import ArraySource, Data, as_is
from gan_jax.drawing import Sampler

DEVICES = 1
KEY = jax.random.key(7)


def sampler_of(data=None, latents_fn=lambda key, num: jax.random.normal(key, (num, 3)), **options):
    turned = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)).astype(np.float32))[0]

    def block_fn(key, latents, rows):
        return jnp.tanh(latents @ turned)

    return Sampler(block_fn, latents_fn, KEY, data=data, **options)


def halves(num=600):
    """No held-out examples: two halves, of 300 rows each, which are no multiple of a block."""
    return Data(source_fn=lambda: ArraySource({"real": np.arange(num)}), prepare_fn=as_is)


@pytest.mark.parametrize("num", [1, 239, 240, 241, 300, 301, 700])
def test_a_sample_is_the_same_for_every_number(num):
    whole, drawn = (sampler_of(halves()).draw(n) for n in (700, num))

    def same(a, b):
        return np.testing.assert_array_equal(np.asarray(a)[:num], np.asarray(b))

    jax.tree.map(same, whole, drawn)
    blocks = [len(block.samples) for block in sampler_of(halves())(num)]
    assert sum(blocks) == num and set(blocks[:-1]) <= {240}


def test_rows_given_by_hand_are_taken_again_from_the_first_on():
    sampler = Sampler(lambda key, keys, rows: rows["real"], None, KEY, given={"real": np.arange(7)})
    np.testing.assert_array_equal(sampler.draw(250).samples, np.arange(250) % 7)
    assert [len(drawn.samples) for drawn in sampler()] == [7]


@pytest.mark.parametrize("latents_fn", [None, lambda key, num: jax.random.split(key, (num, 2))])
def test_latents_that_are_keys_are_drawn_cut_and_walked(latents_fn):
    def block_fn(key, keys, rows):
        keys = keys if keys.ndim == 1 else keys[:, 1]
        return jax.vmap(lambda key: jax.random.normal(key, (2,)))(keys)

    sampler = Sampler(block_fn, latents_fn, KEY, data=halves())
    drawn = sampler.draw(310)
    assert jnp.issubdtype(drawn.latents.dtype, jax.dtypes.prng_key) and len(drawn.latents) == 310
    walked = sampler.walk([(305, 2), (3, 4)], 3)  # keys are held
    np.testing.assert_array_equal(walked.samples, np.repeat(drawn.samples[[305, 3]], 3, 0))


@pytest.mark.parametrize("data", [halves(), halves(10), halves(960)])
def test_the_ends_of_a_walk_are_the_samples_bit_for_bit(data):
    sampler = sampler_of(data)
    walked, drawn = sampler.walk([(0, 310), (241, 5), (699, 0)], 4), sampler.draw(700)
    np.testing.assert_array_equal(walked.samples[[0, 4, 8]], drawn.samples[[0, 241, 699]])
    np.testing.assert_array_equal(walked.samples[[3, 7, 11]], drawn.samples[[310, 5, 0]])
    np.testing.assert_array_equal(walked.rows["id"][::4], drawn.rows["id"][[0, 241, 699]])


def test_a_number_for_all_rows_is_of_the_type_of_the_field_that_it_replaces():
    sampler = sampler_of(options={"truncation": 1})
    drawn = sampler.draw(3, rows={"condition": np.arange(3, dtype=np.int32)}, condition=7)
    assert {name: str(rows.dtype) for name, rows in drawn.rows.items()} == {
        "condition": "int32", "truncation": "float32"
    }  # fmt: skip
    np.testing.assert_array_equal(drawn.rows["condition"], [7, 7, 7])
    walked = sampler.walk([(0, 2)], 5, rows={"condition": np.arange(3)}, condition=2)
    np.testing.assert_array_equal(walked.rows["condition"], np.full(5, 2))


def test_no_sample_and_no_rows_are_refused():
    for num in (0, -3):
        with pytest.raises(ValueError, match=f"at least 1 sample, got num={num}"):
            sampler_of(halves()).draw(num)
    with pytest.raises(ValueError, match="neither data nor given rows"):
        sampler_of().draw(3)


# What data promise


@pytest.mark.parametrize("num", [20, 21, 601])
def test_training_and_held_out_rows_are_disjoint_whatever_the_seeds(num):
    def ids(data, part, seed):
        return np.concatenate([r["real"] for r in data.rows(part, seed=seed)])

    shared = {"source_fn": lambda: ArraySource({"real": np.arange(num)}), "prepare_fn": as_is}
    for data in (Data(**shared), Data(**shared, held_out_share=0.3)):
        orders = [ids(data, part, seed) for part in ("training", "held_out") for seed in (0, 5)]
        for training in orders[:2]:
            for held_out in orders[2:]:
                assert sorted(np.concatenate([training, held_out])) == list(range(num))
        assert not np.array_equal(*orders[:2]) and sorted(orders[2]) == sorted(orders[3])


def noisy(key, example):
    return {"real": example["real"], "input": example["real"] + jax.random.normal(key)}


def refuse(key, fields):
    raise AssertionError("augmented")


def test_fields_depend_on_the_place_alone_and_are_never_augmented():
    data = Data(
        source_fn=lambda: ArraySource({"real": np.arange(500.0)}),
        held_out_fn=lambda: ArraySource({"real": np.arange(300.0)}),
        prepare_fn=noisy, augment_fn=refuse,
    )  # fmt: skip

    def inputs(num, seed):
        blocks = list(data.rows("held_out", num, seed=seed))
        place, made = (np.concatenate([b[name] for b in blocks]) for name in ("id", "input"))
        return dict(zip(place.tolist(), made.tolist(), strict=True))

    whole = inputs(None, 0)
    assert len(set(whole.values())) == 300
    for part in (inputs(None, 3), inputs(241, 4), inputs(1, 5)):
        assert part.items() <= whole.items()
    first = data.first(7)
    np.testing.assert_array_equal(first["input"], [whole[i] for i in range(7)])
    assert np.std(first["input"] - first["real"]) > 0.1
