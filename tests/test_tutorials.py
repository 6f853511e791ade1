"""The tutorials' programs: their networks by hand, and each line that they suggest to change."""

import re
from functools import partial

import jax
import jax.numpy as jnp
import pytest
from experiment_files import file_of

from gan_jax.game import init, make_train_step
from gan_jax.game.initial import shapes_of_samples

# experiment -> parameters of (generator, discriminator), from the texts: dense a b + b,
# convolution k k a b + b, batch norm 2 b
COUNTS = {
    "mnist_dcgan": (
        (100 * 6272 + 6272)  # dense to 7x7x128
        + (4 * 4 * 128 * 256 + 256)  # transposed convolution 256
        + 2 * 256  # batch norm
        + (4 * 4 * 256 * 1 + 1),  # transposed convolution 1
        (5 * 5 * 1 * 64 + 64) + (5 * 5 * 64 * 128 + 128) + (7 * 7 * 128 + 1),
    ),
    "stacked_mnist_dcgan": (
        (100 * 12544 + 2 * 12544)  # dense to 7x7x256 without bias, batch norm of each number
        + (5 * 5 * 256 * 128 + 2 * 128)
        + (5 * 5 * 128 * 64 + 2 * 64)
        + 5 * 5 * 64 * 3,
        (5 * 5 * 3 * 64 + 64) + (5 * 5 * 64 * 128 + 128) + (7 * 7 * 128 + 1),
    ),
    "mnist_mlp": (
        (100 * 256 + 256) + (256 * 512 + 512) + (512 * 1024 + 1024),
        (1024 * 512 + 512) + (512 * 256 + 256) + (256 + 1),
    ),
    "gaussian_mlp": (
        (1 * 128 + 128) + (128 * 128 + 128) + (128 + 1),
        (1 * 128 + 128) + (128 * 128 + 128) + (128 + 1),
    ),
    "markov_sequence": (  # T = 128 numbers from 32 latents
        (32 * 128 + 128) + (128 * 128 + 128) + (128 * 128 + 128),
        (128 * 128 + 128) + (128 * 128 + 128) + (128 + 1),
    ),
    "cifar10_conv": (
        (100 * 128 + 128) + (128 * 128 + 128)
        + (128 * 256 + 256) + (256 * 256 + 256)
        + (256 * 512 + 512) + (512 * 512 + 512)
        + (512 * 1024 + 1024) + 2 * (1024 * 1024 + 1024)
        + (1024 * 4096 + 4096)  # dense to 4x4x256
        + (5 * 5 * 256 * 128 + 128) + 2 * (5 * 5 * 128 * 128 + 128)
        + (7 * 7 * 128 * 3 + 3)
        # ours: a batch norm after each hidden layer
        + 2 * (2 * 128 + 2 * 256 + 2 * 512 + 3 * 1024 + 4096 + 3 * 128),
        (5 * 5 * 3 * 128 + 128)
        + 3 * (5 * 5 * 128 * 128 + 128 + 2 * 128)  # with ours: its batch norm
        + (2 * 2 * 128 + 1),
    ),
}  # fmt: skip


def build(name, change=("", ""), **arguments):
    """An experiment, after one change of its file."""
    source = file_of(name).read_text()
    assert change[0] in source
    namespace = {"__name__": name}
    exec(compile(source.replace(*change), name, "exec"), namespace)
    return namespace["experiment"](**arguments)


def abstract_state(game):
    return jax.eval_shape(partial(init, game), jax.random.key(0), shapes_of_samples(game, 4))


def size(params):
    return sum(leaf.size for leaf in jax.tree.leaves(params))


@pytest.mark.parametrize("name", COUNTS)
def test_the_networks_have_the_parameters_of_the_text(name):
    state = abstract_state(build(name).game)
    assert (size(state.generator.params), size(state.discriminator.params)) == COUNTS[name]


# Traced on abstract arrays: shapes and dtypes fit, nothing is compiled.


def forward(game):
    """A batch of samples, judged: both players in training."""
    key, latents = jax.random.key(0), jnp.zeros((4, game.latent_size))

    def players():
        samples, generator = game.generator.init_with_output(key, latents, train=True)
        logits, discriminator = game.discriminator.init_with_output(key, samples, train=True)
        return samples, logits, generator["params"], discriminator["params"]

    samples, logits, *params = jax.eval_shape(players)
    assert logits.shape == (4,)
    return samples, params


def trace_step(game):
    """A whole step."""
    state, batch = abstract_state(game), shapes_of_samples(game, 4)
    after, _ = jax.eval_shape(make_train_step(game), state, batch, jax.random.key(0))
    assert jax.tree.structure(after) == jax.tree.structure(state)


def trace_updates(game, params):
    """An update by each optimiser; the structures of their states."""
    structures = []
    for player, of_player in zip(("generator", "discriminator"), params, strict=True):
        optimizer = getattr(game, f"{player}_optimizer")
        state = jax.eval_shape(optimizer.init, of_player)
        updates, after = jax.eval_shape(optimizer.update, of_player, state, of_player)
        assert jax.tree.map(jnp.shape, updates) == jax.tree.map(jnp.shape, of_player)
        structures.append(jax.tree.structure(state))
        assert jax.tree.structure(after) == structures[-1]
    return structures


def suggestions(name):
    """The lines ``name_fn = this  # or that, or that``: each as (line, line with the other)."""
    source = file_of(name).read_text()
    imports = (
        "from gan_jax.augment import crop, flip, rotate; "
        "from gan_jax.models.blocks import BatchNorm; "
    )
    for line in re.findall(r"^\w+_fn = .*# or .*$", source, flags=re.MULTILINE):
        variable, others = line.split(" = ")[0], line.split("# or ")[1]
        others = re.sub(r" of gan_jax[\w.]*|, for (the generator|both players)", "", others)
        for other in re.split(r", (?:or )?(?=optax|crop|rotate|partial)", others):
            yield line, f"{imports}{variable} = {other}"


@pytest.mark.parametrize("name", COUNTS)
def test_every_line_that_is_suggested_works(name):
    lines = list(suggestions(name))
    images = name in ("mnist_dcgan", "stacked_mnist_dcgan", "mnist_mlp", "cifar10_conv")
    # rmsprop and sgd, batch norm or none, and flip, crop and rotate where there are images
    assert len(lines) == (6 if images else 3)
    game = build(name).game
    samples, params = forward(game)
    usual = trace_updates(game, params)
    if images:
        augment_nothing = partial(jax.make_jaxpr(build(name).data.augment_fn), jax.random.key(0))
    for change in lines:
        changed = build(name, change)
        if "optax" in change[1]:
            for structure, other in zip(usual, trace_updates(changed.game, params), strict=True):
                assert structure != other, change
        if "norm_fn" in change[1]:
            assert size(forward(changed.game)[1][0]) != size(params[0]), change
        if "augment_fn" in change[1]:
            example = {"real": jax.ShapeDtypeStruct(samples.shape[1:], samples.dtype)}
            augment = partial(jax.make_jaxpr(changed.data.augment_fn), jax.random.key(0))
            assert len(augment(example).eqns) > len(augment_nothing(example).eqns), change
            augmented = jax.eval_shape(changed.data.augment_fn, jax.random.key(0), example)
            assert augmented["real"].shape == samples.shape[1:]


@pytest.mark.parametrize("name", COUNTS)
def test_every_keyword_of_the_texts_reaches_the_game(name):
    built = build(
        name, latent_size=7, generator_steps=2, discriminator_steps=3, residual_blocks=1,
        generator_learning_rate=0.25, discriminator_learning_rate=0.5,
    )  # fmt: skip
    game = built.game
    assert (game.latent_size, game.generator_steps, game.discriminator_steps) == (7, 2, 3)
    trace_step(game)  # of each experiment once, with everything that the texts vary
    plain = forward(build(name, latent_size=7).game)[1]
    for deeper, shallow in zip(forward(game)[1], plain, strict=True):
        assert size(deeper) > size(shallow)
    # Adam's first update is the learning rate
    for player, rate in (("generator", 0.25), ("discriminator", 0.5)):
        optimizer = getattr(game, f"{player}_optimizer")
        params = {"w": jnp.ones(3)}
        state = optimizer.init(params)
        if name == "gaussian_mlp" and player == "generator":  # its head start: 100 rounds of 2
            state = state._replace(step=jnp.int32(200))
        updates, _ = optimizer.update(params, state, params)
        assert jnp.allclose(updates["w"], -rate, rtol=1e-4)


def test_the_head_start_is_counted_in_rounds():
    optimizer = build(
        "gaussian_mlp", generator_steps=2, head_start_steps=5
    ).game.generator_optimizer
    params = {"w": jnp.ones(3)}
    state, moved = optimizer.init(params), []
    for _ in range(12):
        updates, state = optimizer.update(params, state, params)
        moved.append(bool(jnp.any(updates["w"] != 0)))
    assert moved == [False] * 10 + [True] * 2
    with pytest.raises(ValueError, match="head_start_steps must not be negative"):
        build("gaussian_mlp", head_start_steps=-1)
