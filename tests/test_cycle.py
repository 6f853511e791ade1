"""CycleGAN: the pool, the terms, the networks, and the domains that it is tried on."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.context import Context, Exhibit, Rows, Seen, Shown, Turn
from gan_jax.data import ArraySource
from gan_jax.data.domains import enlarged_digits, halves, inverted, on_patches, rotated
from gan_jax.models import cycle
from gan_jax.models.translators import InstanceNorm, OneJudgeEach, Translator, TwoWays

key = jax.random.key(0)
SIZE = 3


def domain(value, rows=2):
    return {"real": jnp.full((rows, 2, 2, 1), value)}


BATCH = {"a": domain(1.0), "b": domain(10.0)}


def plus(amount):
    """Into b adds, into a subtracts: an exact cycle."""
    return lambda x, method: x + amount if method == "into_b" else x - amount


def show(player="generator", memory=None, latents=None, amount=2.0):
    turn = Turn(jnp.int32(0), player, memory or {})
    return cycle.translated(plus(amount), latents, BATCH, turn)


def test_translations_cycles_and_what_stays():
    shown = show()
    assert float(shown.fake["a"][0, 0, 0, 0]) == 8.0 and float(shown.fake["b"][0, 0, 0, 0]) == 3.0
    context = Context(real=Exhibit(None, raw=shown.real), fake=Exhibit(None), extras=shown.extras)
    there_and_back = cycle.cycle()["cycle"]
    np.testing.assert_allclose(there_and_back.term_fn(key, context), [0.0, 0.0])
    stays = cycle.identity()["identity"]  # |a - 2 - a| + |b + 2 - b|
    np.testing.assert_allclose(stays.term_fn(key, context), [4.0, 4.0])
    assert (there_and_back.weight, stays.weight) == (10.0, 5.0)


def test_the_pool_shows_an_older_image_where_the_coin_says_so_and_keeps_the_new_one():
    memory = cycle.pool(SIZE)["pool"]
    kept = memory.init_fn(BATCH)
    latents = {"slot": jnp.array([2, 0]), "old": jnp.array([True, False])}
    first = show("discriminator", {"pool": kept}, latents)
    np.testing.assert_array_equal(first.fake["b"], first.extras["new"]["b"])  # the pool is empty
    kept = updated(memory, kept, latents, first)
    np.testing.assert_array_equal(kept["filled"], [True, False, True])
    second = show("discriminator", {"pool": kept}, latents, amount=5.0)
    np.testing.assert_array_equal(second.fake["b"][:, 0, 0, 0], [3.0, 6.0])  # old, new
    np.testing.assert_array_equal(show("generator", {"pool": kept}, latents).fake["b"][0], 3.0)
    kept = updated(memory, kept, latents, second)
    # the one that was shown is replaced, the other stays
    np.testing.assert_array_equal(kept["images"]["b"][jnp.array([2, 0]), 0, 0, 0], [6.0, 3.0])


def updated(memory, kept, latents, shown):
    rows = Rows(latents, shown)
    nothing = Rows(None, Shown(None, None))
    return memory.update_fn(key, kept, Seen(jnp.int32(0), {}, nothing, rows))


def test_no_two_rows_of_a_batch_have_one_slot():
    latents = cycle.pool_draws(50)(key, (40, 1))
    assert len(np.unique(latents["slot"])) == 40 and latents["old"].dtype == bool
    assert cycle.pool_draws(5)(key, (12, 1))["slot"].shape == (12,)
    with pytest.raises(ValueError, match="a pool of 1 images is smaller than a batch of 2"):
        cycle.pool(1)["pool"].init_fn(BATCH)


def test_instance_norm_is_of_each_channel_of_each_image():
    x = np.random.default_rng(0).normal(3.0, 2.0, (2, 5, 4, 3)).astype(np.float32)
    out = np.asarray(InstanceNorm().apply({}, x, train=True))
    expected = (x - x.mean((1, 2), keepdims=True)) / np.sqrt(x.var((1, 2), keepdims=True) + 1e-5)
    np.testing.assert_allclose(out, expected, atol=1e-5)


def test_each_way_and_each_judge_has_its_own_parameters():
    x = jnp.zeros((1, 8, 8, 3))
    ways = TwoWays(Translator(3, (2, 4), 1), Translator(3, (2, 4), 1))

    def both(module, x):
        return module.into_a(module.into_b(x, train=True), train=True)

    out, variables = ways.init_with_output(key, x, method=both)
    assert out.shape == x.shape and set(variables["params"]) == {"forth", "back"}
    judges = OneJudgeEach({"a": Translator(1, (2,), 0), "b": Translator(1, (2,), 0)})
    shapes = jax.eval_shape(lambda: judges.init(key, {"a": x, "b": x}, train=True))
    assert len(shapes["params"]) == 2
    with pytest.raises(ValueError, match="the nearest that fit are 8x8 and 12x8"):
        Translator(3).init(key, jnp.zeros((1, 10, 8, 3)), train=True)


def test_no_digit_is_in_both_domains():
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (6, 28, 28, 1), np.uint8)
    source = ArraySource({"image": images, "label": np.arange(6)})
    sources = halves(source, inverted)
    np.testing.assert_array_equal(sources["a"].arrays["label"], [0, 1, 2])
    np.testing.assert_array_equal(sources["b"].arrays["label"], [3, 4, 5])
    np.testing.assert_array_equal(sources["b"].arrays["image"][..., 0], 255 - images[3:, ..., 0])
    turned = halves(source, rotated)["b"].arrays["image"]
    np.testing.assert_array_equal(turned[0, ..., 1], np.rot90(images[3, ..., 0]))


def test_ink_inverts_a_patch_and_small_digits_lie_in_the_middle():
    photographs = np.full((2, 32, 32, 3), 30, np.uint8)
    ink = np.zeros((1, 28, 28, 3), np.uint8)
    ink[0, 5, 6] = 255
    laid = on_patches(photographs)(ink)
    assert (laid[0, 5, 6] == 225).all() and (laid[0, 0, 0] == 30).all()
    page = enlarged_digits(np.full((1, 8, 8, 1), 255, np.uint8))
    assert (
        page.shape == (1, 28, 28, 3) and page[0, 4:24, 4:24].min() == 255 and page[0, :4].max() == 0
    )
