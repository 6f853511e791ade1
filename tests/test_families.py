"""The published families: their parameters to the last one, twins in PyTorch, and what their papers promise."""

from fnmatch import fnmatch
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import losses
from gan_jax.game import Game, init, make_train_step
from gan_jax.models.blocks import plain
from gan_jax.models.conditioning import LabelBatchNorm
from gan_jax.models.resnet import ResNetDiscriminator, ResNetGenerator
from gan_jax.testing.law import leaves_by_path

DEVICES = 1
key = jax.random.key(0)
LABELS = np.array([0, 1, 2, 0], np.int32)
SMALL = dict(image_shape=(8, 8, 3), widths=(6, 5, 4))  # of a generator
TURNED = LABELS[[1, 2, 3, 0]]


# what the tests share


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def abstract(module, *inputs):
    """The shapes of a module's variables; nothing is compiled."""
    return jax.eval_shape(lambda: module.init(key, *inputs, train=True))


def drawn(module, *inputs):
    """Variables of a module without a compiler: no parameter is zero, all else is positive."""
    return filled(abstract(module, *inputs))


def filled(shapes, scale=0.3):
    rng = np.random.default_rng(1)

    def fill(path, leaf):
        if jnp.issubdtype(leaf.dtype, jnp.integer):
            return np.zeros(leaf.shape, leaf.dtype)
        values = scale * rng.normal(size=leaf.shape).astype(leaf.dtype)
        return values if "params" in str(path[:2]) else 1.0 + np.abs(values)

    return jax.tree_util.tree_map_with_path(fill, shapes)


def count(variables):
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


def applied(module, variables, *inputs, train=True):
    """The output, in one program."""
    call = partial(module.apply, train=train, mutable=list(variables) if train else False)
    output = jax.jit(call)(variables, *inputs)
    return np.asarray(output[0] if train else output)


# parameters, to the last one

# name -> generator, discriminator, size of the latents, their published numbers of parameters
COUNTS = {
    "sngan_32": (ResNetGenerator((32, 32, 3)), ResNetDiscriminator(), 128, 4_276_739, 1_053_825),
    "sngan_32_conditional": (
        ResNetGenerator((32, 32, 3), num_classes=10), ResNetDiscriminator(num_classes=10),
        128, 4_304_387, 1_055_105,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTS)
def test_published_numbers_of_parameters(name):
    generator, discriminator, latent_size, *published = COUNTS[name]
    conditional = generator.num_classes is not None
    told = (LABELS,) if conditional else ()
    latents, images = jnp.zeros((4, latent_size)), jnp.zeros((4, *generator.image_shape))
    players = abstract(generator, latents, *told), abstract(discriminator, images, *told)
    assert [count(variables) for variables in players] == published


# twins


@pytest.fixture(scope="module")
def twins():
    reason = "PyTorch is not installed (pip install 'gan-jax[torch]')"
    torch = pytest.importorskip("torch", reason=reason)
    import torch_families

    def twin(name, params, inputs, *others, **options):
        def tensors(tree):
            return jax.tree.map(lambda leaf: torch.from_numpy(np.array(leaf)), tree)

        inputs = torch.from_numpy(inputs)
        inputs = inputs.permute(0, 3, 1, 2) if inputs.ndim == 4 else inputs
        others = map(torch.from_numpy, others)
        outputs = getattr(torch_families, name)(tensors(params), inputs, *others, **options)
        outputs = outputs.permute(0, 2, 3, 1) if outputs.ndim == 4 else outputs
        return outputs.numpy()

    return twin


def is_its_twin(twins, name, module, *inputs, **options):
    variables = drawn(module, *inputs)
    expected = twins(name, variables["params"], *inputs, **options)
    found = applied(module, variables, *inputs)
    assert np.abs(expected).max() > 1e-2
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_sngan_is_its_twin(twins):
    generator = ResNetGenerator(**SMALL, num_classes=3)
    is_its_twin(twins, "sngan_generator", generator, normal(4, 5), LABELS)
    # spectral normalisation has tests of its own
    discriminator = ResNetDiscriminator((4, 4, 6, 6), 2, num_classes=3, constrain_fn=plain)
    images = normal(4, 8, 8, 3)
    is_its_twin(twins, "sngan_discriminator", discriminator, images, LABELS, halvings=2)


# games


def played(generator, discriminator, *, still=(), labels=None, size=8, rounds=2, **options):
    """Rounds of a small game: all is finite, and every parameter but the still ones has a gradient."""
    shared = dict(
        loss=losses.least_squares(),  # nowhere flat
        generator_optimizer=optax.sgd(1e-3),
        discriminator_optimizer=optax.sgd(1e-3),
        latent_size=6,
    )
    game = Game(generator, discriminator, **(shared | options))
    batch = {"real": normal(1, 4, size, size, 3)}
    if labels is not None:
        batch["condition"] = labels[None]
    first = filled(jax.eval_shape(partial(init, game), key, batch))
    step, state = jax.jit(make_train_step(game)), first
    for _ in range(rounds):
        state, metrics = step(state, batch, key)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((state, metrics)))
    for player in ("generator", "discriminator"):
        before, after = (leaves_by_path(s.player(player).params) for s in (first, state))
        moved = {f"{player}/{name}": np.abs(after[name] - before[name]).max() for name in after}
        stayed = [name for name in moved if not moved[name] > 1e-5 * max(moved.values())]
        assert {n for n in stayed if not any(fnmatch(n, pattern) for pattern in still)} == set()
    return state, metrics


def test_sngan_plays():
    generator = ResNetGenerator((8, 8, 3), (6, 5), num_classes=3, remat=True)
    discriminator = ResNetDiscriminator((4, 6), 1, num_classes=3)
    # biases before a normalisation
    still = ["generator/ResidualBlock_*/*Conv_*/bias", "generator/Dense_0/bias"]
    played(generator, discriminator, labels=LABELS, still=still)


# labels


def test_permuted_labels_permute_what_is_drawn_and_judged():
    latents, images = np.ones((4, 5), np.float32), np.ones((4, 8, 8, 3), np.float32)
    for module, inputs in (
        (ResNetGenerator(**SMALL, num_classes=3), latents),
        (ResNetGenerator(**SMALL, num_classes=3, label_norm_fn=None), latents),
        (ResNetDiscriminator((4, 4), 1, num_classes=3), images),
    ):
        variables = drawn(module, inputs, LABELS)
        first, turned = (
            applied(module, variables, inputs, y, train=False) for y in (LABELS, TURNED)
        )
        np.testing.assert_allclose(turned, first[[1, 2, 3, 0]], atol=1e-5)
        assert np.abs(turned - first).max() > 1e-3


def test_gains_of_labels_begin_at_one():
    inputs = normal(4, 3, 3, 2)
    norm = LabelBatchNorm(3)
    found, _ = jax.jit(partial(norm.init_with_output, train=True))(key, inputs, LABELS)
    expected = (inputs - inputs.mean((0, 1, 2))) / np.sqrt(inputs.var((0, 1, 2)) + 1e-5)
    np.testing.assert_allclose(found, expected, atol=1e-5)


# refusals


@pytest.mark.parametrize(
    "module, inputs, told, message",
    [
        (ResNetGenerator((9, 8, 3)), (4, 5), None, "must be a multiple of 8"),
        (ResNetGenerator((8, 8, 3), (8,)), (4, 5), None, "two or more"),
        (ResNetDiscriminator((4,), 2), (4, 8, 8, 3), None, "halvings must be between 0 and"),
        (ResNetDiscriminator((4, 4), 2), (4, 6, 6, 3), None, "3x3 cannot be halved"),
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
