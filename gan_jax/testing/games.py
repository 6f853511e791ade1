"""The laws of a game: of its state and of its step."""

import dataclasses
import re
from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from gan_jax.game import Game, alternating, init, make_train_step
from gan_jax.game.check_batch import Batch
from gan_jax.game.update import Play
from gan_jax.models.blocks import DEVICE_AXIS
from gan_jax.testing.law import Law, claimed, expect, expect_close, leaves_by_path
from gan_jax.testing.models import check_gradients
from gan_jax.testing.trial import PLAYERS, ROUNDS, Trial


def game_laws(
    game: Game,
    batch: Batch,
    *,
    play: Play = alternating,
    without_gradient: Sequence[str] = (),
    devices: int | None = None,
) -> list[Law]:
    """The laws of a game, from three rounds of one compiled step.

    The buffers of the first state are distinct, so that it can be donated; the step is one program,
    however often it is traced, and is traced once; the same arguments give the same result; all is
    finite; both players move, and only those that are not frozen; every parameter has a gradient;
    a state that went to the host and back goes on as if it had stayed.

    Args:
        game: the game.
        batch: as its step takes it: a dict of trees ``[discriminator_steps, B, ...]``.
        play: the kind of play.
        without_gradient: patterns of parameters that need no gradient, such as
            ``"discriminator/Dense_1/bias"``; ``"*"`` claims nothing of any.
        devices: so many devices must give what one gives; B is a multiple of it. Not so for games
            whose networks or terms draw by themselves.
    """
    trial = Trial(game, batch, play)
    several = None if devices is None else partial(_devices, trial, devices)
    return claimed(
        [
            ("the first state can be donated", partial(_distinct, trial)),
            ("every trace is the same program", partial(_pure_trace, trial)),
            ("traced once", partial(_traced_once, trial)),
            ("the same arguments give the same round", partial(_pure_call, trial)),
            ("finite", partial(_finite, trial)),
            ("metrics are float32 scalars", partial(_metrics, trial)),
            *((f"the {name} moves", partial(_moves, trial, name)) for name in PLAYERS),
            *((f"a frozen {name} stays", partial(_frozen, trial, name)) for name in PLAYERS),
            *(
                (
                    f"every parameter of the {name} has a gradient",
                    partial(_gradients, trial, name, without_gradient),
                )
                for name in PLAYERS
            ),
            ("resumed equals uninterrupted", partial(_resumed, trial)),
            (f"{devices} devices give what one gives", several),
        ]
    )


def _distinct(trial: Trial) -> None:
    """As the program says: compiled, every result has a buffer of its own in any case."""
    first = partial(init, trial.game)
    closed, shapes = jax.make_jaxpr(first, return_shape=True)(trial.key, trial.batch)
    owners = {id(variable): "an argument" for variable in closed.jaxpr.invars}
    for name, variable in zip(leaves_by_path(shapes), closed.jaxpr.outvars, strict=True):
        other = owners.setdefault(id(variable), name)
        expect(other == name, f"{name} and {other} are one buffer: copy one with jnp.copy")


def _pure_trace(trial: Trial) -> None:
    state = jax.eval_shape(trial.init, trial.key, trial.batch)

    def program():
        step = make_train_step(trial.game, trial.play)
        closed = jax.make_jaxpr(step)(state, trial.batch, trial.key)
        return re.sub(r"0x[0-9a-f]+", "", str(closed.jaxpr)), closed.consts

    (first, constants), (again, others) = program(), program()
    lines = zip(first.splitlines(), again.splitlines(), strict=False)
    changed = next((f"{a.strip()} became {b.strip()}" for a, b in lines if a != b), "its length")
    expect(
        first == again,
        f"traced again, the step is another program ({changed}): it keeps Python state, or draws "
        "from NumPy; what changes belongs into a memory, what is drawn into the latents or the key",
    )
    for a, b in zip(constants, others, strict=True):
        expect_equal(a, b, "a constant of the step changed from one trace to the next")


def _traced_once(trial: Trial) -> None:
    expect(
        bool(trial.rounds) and trial.traces == 1,
        f"{trial.traces} traces in {ROUNDS} rounds: a leaf of the state changes its shape, dtype "
        "or weak type in a round",
    )


def _pure_call(trial: Trial) -> None:
    state, metrics = trial.step(trial.first)
    look = "the first round, played twice: the step looks at something beside its arguments"
    expect_equal((state, metrics), trial.rounds[0], look)


def _finite(trial: Trial) -> None:
    for number, outcome in enumerate(trial.rounds, 1):
        for name, leaf in leaves_by_path(outcome).items():
            if jnp.issubdtype(leaf.dtype, jnp.floating):
                expect(
                    np.isfinite(leaf),
                    f"{name} is not finite after round {number}: "
                    "jax.config.update('jax_debug_nans', True) says where",
                )


def _metrics(trial: Trial) -> None:
    for name, value in trial.rounds[-1][1].items():
        expect(
            value.shape == () and value.dtype == jnp.float32,
            f"the metric {name} is {value.dtype}{list(value.shape)}",
        )


def _moves(trial: Trial, name: str) -> None:
    before, after = trial.first.player(name).params, trial.rounds[-1][0].player(name).params
    expect(
        not _same(before, after),
        f"no parameter of the {name} moved in {ROUNDS} rounds: no gradient reaches it, or its "
        "optimizer gives no updates",
    )


def _frozen(trial: Trial, name: str) -> None:
    state, other = trial.first, PLAYERS[1 - PLAYERS.index(name)]
    player = state.player(name)
    shut = player.opt_state._replace(share=jnp.zeros(()))
    state = state.with_player(name, dataclasses.replace(player, opt_state=shut))
    after, _ = trial.step(state)
    look = (
        f"the parameters of the {name}, whose optimizer gives zeros: the {other}'s step moves them"
    )
    expect_equal(after.player(name).params, player.params, look)


def _gradients(trial: Trial, name: str, without: Sequence[str]) -> None:
    check_gradients(name, trial.rounds[-1][0].player(name).opt_state.seen, without)


def _resumed(trial: Trial) -> None:
    half = jax.tree.map(_there_and_back, trial.rounds[0][0])
    look = "a round that followed on the first state, taken to the host and back"
    expect_equal(trial.step(half), trial.rounds[1], look)


def _there_and_back(leaf: jax.Array) -> jax.Array:
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        data = np.array(jax.random.key_data(leaf))
        return jax.random.wrap_key_data(jnp.asarray(data), impl=jax.random.key_impl(leaf))
    return jnp.asarray(np.array(leaf))


def _devices(trial: Trial, devices: int) -> None:
    there = jax.devices()
    expect(len(there) >= devices, f"{devices} devices are asked for, there are {len(there)}")
    divided = jax.jit(
        jax.shard_map(
            make_train_step(trial.game, trial.play, DEVICE_AXIS),
            mesh=Mesh(np.array(there[:devices]), (DEVICE_AXIS,)),
            in_specs=(P(), P(None, DEVICE_AXIS), P()),
            out_specs=(P(), P()),
            check_vma=False,
        )
    )
    state = trial.first
    for _ in range(ROUNDS):
        state, _ = divided(state, trial.batch, trial.key)
    for name in PLAYERS:
        one = leaves_by_path(trial.rounds[-1][0].player(name).params)
        for path, leaf in leaves_by_path(state.player(name).params).items():
            look = (
                f"{name}/{path} after {ROUNDS} rounds on {devices} devices against one: a term "
                "that compares rows takes them from context.gather_fn"
            )
            expect_close(leaf, one[path], look, rtol=1e-3, atol=1e-4)


def expect_equal(got: Any, expected: Any, message: str) -> None:
    """Refuses trees of arrays that are not equal bit for bit.

    Raises:
        AssertionError: a leaf differs; it is named.
    """
    others = leaves_by_path(expected)
    for name, leaf in leaves_by_path(got).items():
        same = np.array_equal(_host(leaf), _host(others[name]), equal_nan=True)
        expect(same, f"{message}; {name or 'it'} differs")


def _same(first: Any, second: Any) -> bool:
    pairs = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def _host(leaf: Any) -> np.ndarray:
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        leaf = jax.random.key_data(leaf)
    return np.asarray(leaf)
