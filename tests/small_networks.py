"""Small networks without much compiling, and rounds of a game with them."""

from fnmatch import fnmatch
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax import losses
from gan_jax.game import Game, init, make_train_step
from gan_jax.testing.law import leaves_by_path

key = jax.random.key(0)
FROZEN = {
    "sngan_generator": [-0.4553, 0.2228, -0.2563],
    "sngan_discriminator": [-2.0933, -5.2664, 0.6805],
    "r3gan_generator": [0.1611, -0.2272, -0.0885],
    "r3gan_discriminator": [0.141, -0.1604, 0.0873],
    "biggan_generator": [-0.0478, 0.1583, -0.331],
    "biggan_deep_generator": [-0.2896, 0.1093, -0.5497],
    "biggan_deep_discriminator": [5.3228, -0.2036, -16.6505],
    "stylegan2_generator": [-1.5702, 1.8714, 1.5046],
    "stylegan2_discriminator": [-0.0407, -0.0327, -0.0339],
    "stylegan2_discriminator_plain": [-0.0169, -0.0121, -0.0081],
}


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def abstract(module, *inputs, **options):
    """The shapes of a module's variables; nothing is compiled."""
    return jax.eval_shape(lambda: module.init(key, *inputs, train=True, **options))


def drawn(module, *inputs, scale=0.3):
    """Variables of a module without a compiler: no parameter is zero, all else is positive."""
    return filled(abstract(module, *inputs), scale)


def filled(shapes, scale):
    rng = np.random.default_rng(1)

    def fill(path, leaf):
        if jnp.issubdtype(leaf.dtype, jnp.integer):
            return np.zeros(leaf.shape, leaf.dtype)
        values = scale * rng.normal(size=leaf.shape).astype(leaf.dtype)
        return values if "params" in str(path[:2]) else 1.0 + np.abs(values)

    return jax.tree_util.tree_map_with_path(fill, shapes)


def count(variables):
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


def applied(module, variables, *inputs, train=True, **options):
    """The output, in one program."""
    mutable = [name for name in variables if name != "params"] if train else False
    call = partial(module.apply, train=train, mutable=mutable, rngs={"params": key}, **options)
    output = jax.jit(call)(variables, *inputs)
    return jax.device_get(output[0] if train else output)


def computes_in_half(generator, discriminator, latents, labels=None):
    """In bfloat16, with float32 parameters and results; nothing is compiled."""
    told = () if labels is None else (labels,)
    jaxprs = []

    def call(module, *inputs):
        run = lambda: module.init_with_output(key, *inputs, train=True)  # noqa: E731
        jaxpr, (outputs, variables) = jax.make_jaxpr(run, return_shape=True)()
        jaxprs.append(str(jaxpr))
        assert {leaf.dtype for leaf in jax.tree.leaves((outputs, variables))} == {jnp.float32.dtype}
        return jnp.zeros(outputs.shape)

    call(discriminator, call(generator, latents, *told), *told)
    convolutions = [line for text in jaxprs for line in text.splitlines() if "conv_general" in line]
    assert convolutions and sum(":bf16" in line for line in convolutions) > len(convolutions) / 2


def is_its_twin(name, module, *inputs, train=True, scale=0.3, case="", **options):
    """The function of that name in torch_families gives the same of the same parameters.

    Without PyTorch, the last three numbers are those that it gave once.
    """
    variables = drawn(module, *inputs, scale=scale)
    found = applied(module, variables, *inputs, train=train)
    np.testing.assert_allclose(found.ravel()[-3:], FROZEN[name + case], rtol=1e-3, atol=2e-4)
    try:
        import torch
        import torch_families
    except ImportError:
        return

    def tensor(leaf):
        leaf = torch.from_numpy(np.array(leaf))
        return leaf.permute(0, 3, 1, 2) if leaf.ndim == 4 else leaf

    # kernels keep their layout, images do not
    params = jax.tree.map(lambda leaf: torch.from_numpy(np.array(leaf)), dict(variables))
    params |= params.pop("params")
    expected = getattr(torch_families, name)(params, *map(tensor, inputs), **options)
    expected = (expected.permute(0, 2, 3, 1) if expected.ndim == 4 else expected).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def played(
    generator, discriminator, real, *, still=(), labels=None, rounds=2, scale=0.3, **options
):
    """Rounds of a game: all is finite, and every parameter but the still ones has a gradient."""
    shared = dict(
        loss=losses.least_squares(),  # nowhere flat
        generator_optimizer=optax.sgd(1e-3),
        discriminator_optimizer=optax.sgd(1e-3),
        latent_size=6,
    )
    game = Game(generator, discriminator, **(shared | options))
    rows = dict(real) if isinstance(real, dict) else {"real": real}  # or all fields of a batch
    rows |= {} if labels is None else {"condition": labels}
    batch = jax.tree.map(lambda leaf: leaf[None], rows)
    first = filled(jax.eval_shape(partial(init, game), key, batch), scale)
    step, state = jax.jit(make_train_step(game)), first
    for _ in range(rounds):
        state, metrics = step(state, batch, key)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((state, metrics)))
    stayed = _stayed(first, state, still)
    assert not stayed, stayed
    return state, metrics


def _stayed(first, state, still):
    """The parameters that did not move, but for rounding, and were to."""
    stayed = set()
    for player in ("generator", "discriminator"):
        before, after = (leaves_by_path(s.player(player).params) for s in (first, state))
        moved = {f"{player}/{name}": np.abs(after[name] - before[name]).max() for name in after}
        stayed |= {name for name in moved if not moved[name] > 1e-5 * max(moved.values())}
    return {name for name in stayed if not any(fnmatch(name, pattern) for pattern in still)}
