"""The published families: their parameters to the last one, twins in PyTorch, and what their papers promise."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from small_networks import (
    abstract,
    applied,
    computes_in_half,
    count,
    is_its_twin,
    key,
    normal,
    played,
)

from gan_jax import augment, losses, penalties, schedules
from gan_jax.ema import halflife
from gan_jax.game import Term
from gan_jax.models.attention import SelfAttention
from gan_jax.models.biggan import BigGANDiscriminator, BigGANGenerator, truncated
from gan_jax.models.biggan_deep import BigGANDeepDiscriminator, BigGANDeepGenerator
from gan_jax.models.blocks import plain, spectral
from gan_jax.models.mlp import MLPDiscriminator, MLPGenerator
from gan_jax.models.r3gan import R3Block, R3GANDiscriminator, R3GANGenerator
from gan_jax.models.resampling import enlarged, reduced
from gan_jax.models.resnet import ResNetDiscriminator, ResNetGenerator
from gan_jax.remedies.orthogonal import orthogonal, orthogonal_distance

DEVICES = 1
LABELS = np.array([0, 1, 2, 0], np.int32)
SMALL = dict(image_shape=(8, 8, 3), widths=(6, 5, 4))  # of a generator


# parameters, to the last one


def r3gan(size, widths, cardinalities=None, **options):
    cardinalities = cardinalities or tuple(width // 8 for width in widths)
    return (
        R3GANGenerator((size, size, 3), widths, cardinalities, **options),
        R3GANDiscriminator(widths[::-1], cardinalities[::-1], **options),
    )


# name -> generator, discriminator, size of the latents, their published numbers of parameters
COUNTS = {
    "sngan_32": (ResNetGenerator((32, 32, 3)), ResNetDiscriminator(), 128, 4_276_739, 1_053_825),
    "sngan_32_conditional": (
        ResNetGenerator((32, 32, 3), num_classes=10), ResNetDiscriminator(num_classes=10),
        128, 4_304_387, 1_055_105,
    ),
    "sagan_32": (
        ResNetGenerator((32, 32, 3), constrain_fn=spectral, attention=(16,), num_classes=10),
        ResNetDiscriminator(attention=(16,), num_classes=10), 128, 4_386_308, 1_075_586,
    ),
    "biggan_32_plain": (
        ResNetGenerator((32, 32, 3), num_classes=10),
        ResNetDiscriminator((256,) * 4, num_classes=10), 128, 4_304_387, 4_207_361,
    ),
    "biggan_32": (
        BigGANGenerator((32, 32, 3), num_classes=10), BigGANDiscriminator(num_classes=10),
        80, 9_416_196, 2_415_170,
    ),
    "biggan_128": (
        BigGANGenerator(
            (128, 128, 3), (1536, 1536, 768, 384, 192, 96), attention=(64,), num_classes=1000
        ),
        BigGANDiscriminator(
            (96, 192, 384, 768, 1536, 1536), 5, attention=(64,), num_classes=1000
        ),
        120, 70_433_988, 87_982_370,
    ),
    "biggan_deep_32": (
        BigGANDeepGenerator((32, 32, 3), num_classes=10), BigGANDeepDiscriminator(num_classes=10),
        80, 4_599_876, 415_010,
    ),
    "biggan_deep_128": (
        BigGANDeepGenerator(
            (128, 128, 3), (2048, 2048, 1024, 512, 256, 128), attention=(64,), num_classes=1000
        ),
        BigGANDeepDiscriminator(
            (128, 256, 512, 1024, 2048, 2048), 5, attention=(64,), num_classes=1000
        ),
        128, 50_244_484, 34_590_210,
    ),
    "r3gan_cifar": (R3GANGenerator((32, 32, 3)), R3GANDiscriminator(), 64, 20_732_160, 20_683_776),
    "r3gan_cifar_conditional": (
        R3GANGenerator((32, 32, 3), num_classes=10), R3GANDiscriminator(num_classes=10),
        64, 20_781_952, 21_280_512,
    ),
    "r3gan_ffhq_64": (*r3gan(64, (768, 768, 768, 768, 384)), 64, 22_429_824, 22_381_440),
    "r3gan_ffhq_256": (
        *r3gan(256, (768, 768, 768, 768, 384, 192, 96)), 64, 23_057_952, 23_009_568
    ),
    "r3gan_imagenet_32": (
        *r3gan(32, (1536,) * 4, (96,) * 4, num_classes=1000), 64, 82_914_304, 86_548_992
    ),
    "r3gan_imagenet_64": (
        *r3gan(64, (1536,) * 5, (96,) * 5, num_classes=1000), 64, 103_570_432, 107_205_120
    ),
}  # fmt: skip


LARGE = ["biggan_128", "biggan_deep_128", "r3gan_imagenet_32", "r3gan_imagenet_64"]


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.thorough if n in LARGE else ()) for n in COUNTS],
)
def test_published_numbers_of_parameters(name):
    generator, discriminator, latent_size, *published = COUNTS[name]
    conditional = generator.num_classes is not None
    told = (LABELS,) if conditional else ()
    latents, images = jnp.zeros((4, latent_size)), jnp.zeros((4, *generator.image_shape))
    # a constraint has no parameters, and takes long to trace
    generator, discriminator = (
        module.clone(constrain_fn=plain) if hasattr(module, "constrain_fn") else module
        for module in (generator, discriminator)
    )
    players = abstract(generator, latents, *told), abstract(discriminator, images, *told)
    assert [count(variables) for variables in players] == published


# twins


def test_sngan_is_its_twin():
    generator = ResNetGenerator(**SMALL, num_classes=3)
    is_its_twin("sngan_generator", generator, normal(4, 5), LABELS)
    # spectral normalisation has tests of its own
    discriminator = ResNetDiscriminator((4, 4, 6, 6), 2, num_classes=3, constrain_fn=plain)
    images = normal(4, 8, 8, 3)
    is_its_twin("sngan_discriminator", discriminator, images, LABELS, halvings=2)


R3 = dict(widths=(8, 6, 4), cardinalities=(4, 3, 8), num_classes=3)  # 8 groups take the other form


def test_r3gan_is_its_twin():
    options = dict(groups=R3["cardinalities"], blocks=2)
    generator = R3GANGenerator((8, 8, 3), **R3, embedding_size=4)
    is_its_twin("r3gan_generator", generator, normal(4, 5), LABELS, **options)
    discriminator = R3GANDiscriminator(**R3)
    is_its_twin("r3gan_discriminator", discriminator, normal(4, 8, 8, 3), LABELS, **options)


def test_biggan_is_its_twin():
    small = dict(num_classes=3, constrain_fn=plain, attention=(4,))
    generator = BigGANGenerator((8, 8, 3), (12, 8, 4), shared_size=3, **small)
    is_its_twin("biggan_generator", generator, normal(4, 6), LABELS)


@pytest.mark.thorough
def test_biggan_deep_is_its_twin():
    small = dict(num_classes=3, constrain_fn=plain, attention=(4,))
    generator = BigGANDeepGenerator((8, 8, 3), (12, 8, 4), shared_size=3, **small)
    is_its_twin("biggan_deep_generator", generator, normal(4, 6), LABELS)
    discriminator = BigGANDeepDiscriminator((4, 8, 12), 1, **small)
    images = normal(4, 8, 8, 3)
    is_its_twin("biggan_deep_discriminator", discriminator, images, LABELS, halvings=1)


HALF = dict(num_classes=3, dtype=jnp.bfloat16, remat=True)
PAIRS = {
    "resnet": (ResNetGenerator((8, 8, 3), (8, 8), attention=(8,), **HALF),
               ResNetDiscriminator((8, 8), 1, attention=(4,), **HALF)),
    "biggan": (BigGANGenerator((8, 8, 3), (8, 8), attention=(8,), constrain_fn=plain, **HALF),
               BigGANDiscriminator((8, 8), 1, attention=(4,), constrain_fn=plain, **HALF)),
    "biggan_deep": (BigGANDeepGenerator((8, 8, 3), (8, 8), attention=(), constrain_fn=plain, **HALF),
                    BigGANDeepDiscriminator((8, 8), 1, 1, (), constrain_fn=plain, **HALF)),
    "r3gan": (R3GANGenerator((8, 8, 3), (6, 6), (2, 2), **HALF),
              R3GANDiscriminator((6, 6), (2, 2), **HALF)),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_half_precision_keeps_parameters_and_results(name):
    computes_in_half(*PAIRS[name], latents=jnp.zeros((4, 6)), labels=LABELS)


# games


# biases before a normalisation
STILL = ["generator/*Block_*/*Conv_*/bias", "generator/Dense_0/bias"]


@pytest.mark.thorough
def test_sngan_plays():
    generator = ResNetGenerator((8, 8, 3), (6, 5), num_classes=3, remat=True)
    discriminator = ResNetDiscriminator((4, 6), 1, num_classes=3)
    played(generator, discriminator, normal(4, 8, 8, 3), labels=LABELS, still=STILL)


@pytest.mark.thorough
def test_biggan_plays_with_everything_of_its_paper():
    played(
        BigGANGenerator(
            (8, 8, 3), (8, 8), num_classes=3, shared_size=3, attention=(8,), remat=True
        ),
        BigGANDiscriminator((8, 8), 1, num_classes=3, attention=(4,)),
        normal(4, 8, 8, 3),
        labels=LABELS,
        latent_fn=truncated(1.0),
        generator_optimizer=optax.chain(orthogonal(1e-4), optax.sgd(1e-3)),
        still=STILL,
    )


@pytest.mark.thorough
def test_biggan_deep_plays():
    plainly = dict(num_classes=3, constrain_fn=plain)
    played(
        BigGANDeepGenerator((4, 4, 3), (8, 8), shared_size=3, attention=(), **plainly),
        BigGANDeepDiscriminator((8, 8), 1, depth=1, attention=(), **plainly),
        normal(4, 4, 4, 3),
        labels=LABELS,
        still=STILL,
    )


FIVE_SCHEDULES = {
    "mlp": (MLPGenerator((4, 4, 1), (4,)), MLPDiscriminator((4,))),
    "r3gan": (R3GANGenerator((4, 4, 1), (4, 4), (2, 2), 1), R3GANDiscriminator((4, 4), (2, 2), 1)),
}


@pytest.mark.parametrize("name", ["mlp", pytest.param("r3gan", marks=pytest.mark.thorough)])
def test_a_game_plays_with_the_five_schedules_of_r3gan(name):
    """Rates, both moments, the penalties' weight, the EMA and the augmentation: cosines over the images."""
    end = 4
    rate, beta, gamma, half, share = (
        schedules.cosine(*ends, end=end)
        for ends in ((2e-4, 5e-5), (0.9, 0.99), (0.05, 0.005), (0.0, 1e3), (0.0, 0.55))
    )
    optimizer = optax.inject_hyperparams(optax.adam)(learning_rate=rate, b1=0.0, b2=beta)
    points = {"r1": penalties.on_real, "r2": penalties.on_fake}
    raw_penalties = {
        name: Term(
            penalties.gradient_penalty(penalties.r1, penalties.before_augmentation(on_side)), gamma
        )
        for name, on_side in points.items()
    }
    state, _ = played(
        *FIVE_SCHEDULES[name],
        normal(4, 4, 4, 1),
        still=["discriminator/Head_0/Dense_0/bias"],  # the loss is of differences
        loss=losses.relativistic_pairing(),
        generator_optimizer=optimizer,
        discriminator_optimizer=optimizer,
        discriminator_terms=raw_penalties,
        ema_decay_fn=halflife(images=half, rampup=None),
        augment_fn=augment.sometimes(augment.flip, lambda turn: share(turn.step)),
    )
    for player in ("generator", "discriminator"):
        used = state.player(player).opt_state.hyperparams
        np.testing.assert_allclose(used["learning_rate"], rate(jnp.array(1)), rtol=1e-5)
        np.testing.assert_allclose(used["b2"], beta(jnp.array(1)), rtol=1e-5)
    live, ema = (jax.tree.leaves(tree) for tree in (state.generator.params, state.ema["params"]))
    assert not np.array_equal(live[0], ema[0])  # the half-life is no longer 0


def test_a_half_life_of_a_schedule():
    decay_fn = halflife(images=lambda step: 100.0 * step, rampup=None)
    assert decay_fn(jnp.array(0), 64) == 0.0
    np.testing.assert_allclose(decay_fn(jnp.array(2), 50) ** 4, 0.5, rtol=1e-5)  # 200 images


def test_attention_is_the_identity_while_its_gate_is_shut():
    images = normal(2, 4, 6, 8)
    found, variables = jax.jit(partial(SelfAttention().init_with_output, train=True))(key, images)
    np.testing.assert_array_equal(found, images)
    variables["params"]["gate"] = jnp.ones(())
    assert np.abs(applied(SelfAttention(), variables, images) - images).max() > 1e-2


def test_parts_of_the_latents_reach_a_block_each():
    """What the second block is told changes nothing before it, and the parts are equal."""
    generator = BigGANGenerator((8, 8, 3), (8, 8, 8), attention=())
    latents = normal(4, 6)
    first, (second, third) = generator.parts(latents, None)
    np.testing.assert_array_equal(np.concatenate([first, second, third], 1), latents)
    _, told = generator.parts(latents, np.ones((4, 3), np.float32))
    assert [part.shape for part in told] == [(4, 5), (4, 5)]
    first, told = BigGANDeepGenerator((8, 8, 3), (8, 8, 8)).parts(latents, None)
    assert all(part is first for part in told) and first.shape == (4, 6)


def test_orthogonal_weights_have_no_distance_and_others_are_pulled():
    kernel = np.linalg.qr(normal(12, 3))[0].reshape(2, 2, 3, 3)
    assert abs(orthogonal_distance(2.0 * kernel)) < 1e-10
    weights = normal(4, 3, seed=1)
    products = weights.T @ weights
    distance = sum(products[i, j] ** 2 for i in range(3) for j in range(3) if i != j)
    np.testing.assert_allclose(orthogonal_distance(weights), distance, rtol=1e-4)
    params = {"Dense_0": {"kernel": weights, "bias": weights[0]}, "shared": {"embedding": weights}}
    zeros = jax.tree.map(jnp.zeros_like, params)
    pulled, _ = orthogonal(0.1).update(zeros, optax.EmptyState(), params)
    expected = 0.1 * 4.0 * weights @ (products * (1.0 - np.eye(3)))
    np.testing.assert_allclose(pulled["Dense_0"]["kernel"], expected, rtol=1e-4)
    for leaf in (pulled["Dense_0"]["bias"], pulled["shared"]["embedding"]):
        np.testing.assert_array_equal(leaf, 0.0)


def test_truncated_latents():
    latents = np.asarray(truncated(0.5)(key, (1000, 2)))
    assert 0.45 < np.abs(latents).max() <= 0.5 and abs(latents.mean()) < 0.05


@pytest.mark.parametrize("make", [lambda: truncated(0.0), lambda: orthogonal(-1.0)])
def test_numbers_out_of_range(make):
    with pytest.raises(ValueError, match="must be"):
        make()


def test_r3gan_begins_as_a_network_without_blocks():
    """What is left of the generator when each block is the identity is linear in the latents."""
    generator = R3GANGenerator((8, 8, 3), (8, 6), (4, 3), blocks=1)

    @jax.jit
    def begun(latents, images):
        block, _ = R3Block(2, 8).init_with_output(key, images)
        first, variables = generator.init_with_output(key, latents, train=True)
        return block, first, generator.apply(variables, 2.0 * latents, train=True)

    images = normal(2, 4, 4, 4)
    block, first, twice = begun(normal(4, 5), images)
    np.testing.assert_array_equal(block, images)
    assert np.abs(first).max() > 1e-2
    np.testing.assert_allclose(twice, 2.0 * first, rtol=1e-4, atol=1e-5)


def test_enlarging_and_reducing_are_each_others_transpose():
    large, small = normal(2, 8, 6, 3), normal(2, 4, 3, 3, seed=1)
    ones = np.ones((1, 6, 6, 1), np.float32)
    big, little, *constants = jax.jit(
        lambda a, b, c: (enlarged(b), reduced(a), enlarged(c), reduced(enlarged(c)))
    )(large, small, ones)
    np.testing.assert_allclose((big * large).sum(), 4.0 * (small * little).sum(), rtol=1e-4)
    for constant in constants:
        np.testing.assert_allclose(constant[:, 1:-1, 1:-1], 1.0, rtol=1e-6)


# refusals


@pytest.mark.parametrize(
    "module, inputs, told, message",
    [
        (ResNetGenerator((9, 8, 3)), (4, 5), None, "must be a multiple of 8"),
        (ResNetGenerator((8, 8, 3), (8,)), (4, 5), None, "two or more"),
        (ResNetDiscriminator((4,), 2), (4, 8, 8, 3), None, "halvings must be between 0 and"),
        (ResNetDiscriminator((4, 4), 2), (4, 6, 6, 3), None, "3x3 cannot be halved"),
        (ResNetGenerator(**SMALL, attention=(16,)), (4, 5), None, r"\[16\], and the blocks give \[4, 8\]"),
        (ResNetDiscriminator((8, 8), 1, attention=(8,)), (4, 8, 8, 3), None, r"give \[4, 4\]"),
        (ResNetGenerator((8, 8, 3), (4, 4), attention=(8,)), (4, 5), None, "multiples of 8"),
        (BigGANGenerator((8, 8, 3), (8, 8), attention=()), (4, 5), None, "2 equal parts"),
        (BigGANDeepDiscriminator((6, 6), 1, attention=()), (4, 8, 8, 3), None, "multiples of 4"),
        (R3GANGenerator((8, 8, 3), (6, 6), (5, 2)), (4, 5), None, "groups must divide"),
        (R3GANGenerator((8, 8, 3), (6, 6), (2,)), (4, 5), None, "each stage needs a width"),
        (R3GANDiscriminator((6, 6), (2, 2), blocks=0), (4, 8, 8, 3), None, "each stage needs"),
        (R3GANDiscriminator((6, 6), (2, 2)), (4, 7, 8, 3), None, "7x8 cannot be halved"),
        (R3GANGenerator((8, 8, 3), (6, 6), (2, 2)), (4, 5), LABELS, "num_classes=None and was"),
        (ResNetGenerator(**SMALL), (4, 5), LABELS, "num_classes=None and was given"),
        (ResNetGenerator(**SMALL, num_classes=3), (4, 5), None, "was given no condition"),
        (ResNetGenerator(**SMALL, num_classes=3), (4, 5), LABELS + 1, "got 1 to 3"),
        (ResNetGenerator(**SMALL, num_classes=3), (4, 5), LABELS - 1, "got -1 to 1"),
        (ResNetGenerator(**SMALL, num_classes=3), (4, 5), LABELS * 1.0, "integer labels"),
        (ResNetGenerator(**SMALL, num_classes=3), (4, 5), LABELS[:, None], r"argmax\(-1\)"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_before_anything_is_compiled(module, inputs, told, message):
    with pytest.raises((ValueError, TypeError), match=message):
        abstract(module, jnp.zeros(inputs), *(() if told is None else (told,)))
