"""Our step beside the same step in PyTorch, on this machine, in one run.

    python experiments/speed/benchmark_speed.py                                     # every row
    python experiments/speed/benchmark_speed.py --rows mnist_dcgan mnist_mlp

Needs PyTorch (``pip install 'gan-jax[torch]'``). Each row is a game of this repository and the same players written in
PyTorch below: eager, two fused Adams, channels last, and the same moving average of the generator. First both are shown
to be equal: with the same weights, latents and images, and no dropout, losses and gradients agree to 3e-4 of the
largest gradient. Then they take turns. The table holds medians, and the ratio of neighbouring turns with its quartiles:
above 1 we are faster. It is written as speed.md and speed.json under --out.
"""

import dataclasses
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import tyro

from gan_jax import losses, penalties
from gan_jax.game import Game, GANState, Term, init, make_train_step
from gan_jax.game.scan import scan
from gan_jax.models.mlp import MLPDiscriminator, MLPGenerator
from gan_jax.testing.timing import interleaved, ratio
from gan_jax.training.experiment import load_experiment_function

TOLERANCE = 3e-4  # thirteen batch norms in a row amplify rounding: cifar10_conv is at 1.4e-4, the others below 1e-5
TUTORIALS = Path(__file__).parents[1] / "tutorials"


class Row(NamedTuple):
    """A game, and how much of it one call plays.

    Attributes:
        game: its losses are non-saturating, its optimisers Adam(2e-4, 0.5).
        shape: of a sample.
        batch_size: of an update.
        steps: in a call.
        r1: the weight of R1.
    """

    game: Game
    shape: tuple[int, ...]
    batch_size: int
    steps: int = 1
    r1: float = 0.0


def rows() -> dict[str, Callable[[], Row]]:
    """Every row, made when it is asked for."""
    tutorial = lambda name: load_experiment_function(TUTORIALS / f"{name}.py")().game  # noqa: E731
    points = Game(
        generator=MLPGenerator((2,), (128,) * 3, output_fn=None),
        discriminator=MLPDiscriminator((128,) * 3),
        loss=losses.non_saturating(),
        generator_optimizer=optax.adam(2e-4, b1=0.5),
        discriminator_optimizer=optax.adam(2e-4, b1=0.5),
    )
    return {
        "stacked_mnist_dcgan": lambda: Row(tutorial("stacked_mnist_dcgan"), (28, 28, 3), 128),
        "mnist_dcgan": lambda: Row(tutorial("mnist_dcgan"), (28, 28, 1), 128),
        "mnist_dcgan_r1": lambda: Row(tutorial("mnist_dcgan"), (28, 28, 1), 128, r1=1.0),
        "cifar10_conv": lambda: Row(tutorial("cifar10_conv"), (32, 32, 3), 32),
        "mnist_mlp": lambda: Row(tutorial("mnist_mlp"), (32, 32, 1), 64, steps=10),
        "points_mlp": lambda: Row(points, (2,), 512, steps=100),
    }


# ours


def with_r1(game: Game, weight: float) -> Game:
    """The game with R1 of that weight in every step."""
    if not weight:
        return game
    term = Term(penalties.gradient_penalty(penalties.r1, penalties.on_real), weight)
    return dataclasses.replace(game, discriminator_terms={"r1": term})


class Ours:
    """A row as a run plays it, with the metrics that a step reports."""

    def __init__(self, row: Row, real: np.ndarray):
        game, self.batch = with_r1(row.game, row.r1), {"real": jnp.asarray(real)[None]}
        key = jax.random.key(1)
        step = make_train_step(game)

        def call(state: GANState, batch: dict[str, jax.Array]) -> tuple[GANState, Any]:
            return scan(lambda state, _: step(state, batch, key), state, length=row.steps)

        self.state = jax.jit(partial(init, game))(key, self.batch)
        start = time.perf_counter()
        self.call = jax.jit(call, donate_argnums=0).lower(self.state, self.batch).compile()
        self.compile_seconds = time.perf_counter() - start

    def __call__(self) -> None:
        """One call, to its end."""
        self.state, _ = jax.block_until_ready(self.call(self.state, self.batch))


# theirs


class Theirs:
    """The same in PyTorch, eager."""

    def __init__(self, row: Row, ours: Ours, real: np.ndarray):
        import torch

        from gan_jax.testing.torch_twins import images_of, tensors_of, twin_of

        self.row, game = row, row.game
        self.players = {
            player: tensors_of(ours.state.player(player).params)
            for player in ("generator", "discriminator")
        }
        self.generate, self.judge = twin_of(game.generator), twin_of(game.discriminator)
        leaves = {player: jax.tree.leaves(p) for player, p in self.players.items()}
        self.leaves = leaves
        self.optimizers = {
            player: torch.optim.Adam(leaves[player], lr=2e-4, betas=(0.5, 0.999), fused=True)
            for player in leaves
        }
        self.ema = [leaf.detach().clone() for leaf in leaves["generator"]]
        self.decay = 0.5 ** (row.batch_size / 10_000)
        self.real = images_of(real)

    def __call__(self) -> None:
        """One call: as many steps as ours."""
        for _ in range(self.row.steps):
            self.step()

    def step(self) -> None:
        """One update of each player, and the moving average."""
        import torch
        from torch.nn.functional import softplus

        p, size = self.players, (self.row.batch_size, self.row.game.latent_size)
        with torch.no_grad():
            fake = self.generate(p["generator"], torch.randn(size))
        real = self.real.requires_grad_(bool(self.row.r1))
        real_logits = self.judge(p["discriminator"], real)
        loss = (softplus(-real_logits) + softplus(self.judge(p["discriminator"], fake))).mean()
        if self.row.r1:
            loss = loss + r1(self.row.r1, real_logits, real)
        self.update("discriminator", loss)
        fake = self.generate(p["generator"], torch.randn(size))
        self.update("generator", softplus(-self.judge(p["discriminator"], fake)).mean())
        with torch.no_grad():
            torch._foreach_lerp_(self.ema, self.leaves["generator"], 1.0 - self.decay)

    def update(self, player: str, loss: Any) -> None:
        """A step of a player's Adam."""
        import torch

        gradients = torch.autograd.grad(loss, self.leaves[player])
        for leaf, gradient in zip(self.leaves[player], gradients, strict=True):
            leaf.grad = gradient
        self.optimizers[player].step()


def difference(row: Row, ours: Ours, real: np.ndarray) -> float:
    """The largest difference of both players' losses and gradients, in parts of the largest gradient.

    Without dropout, and with nearly linear activations: a unit within rounding of a kink has one slope here, another
    there, and hundreds of thousands of units hold some.
    """
    import torch
    from torch.nn.functional import softplus

    from gan_jax.testing.torch_twins import arrays_of, images_of, tensors_of, twin_of

    smooth = partial(nn.leaky_relu, negative_slope=0.99)
    generate = row.game.generator.clone(activation_fn=smooth)
    judge = row.game.discriminator.clone(activation_fn=smooth)
    if hasattr(judge, "dropout_rate"):
        judge = judge.clone(dropout_rate=0.0)
    size, found = (row.batch_size, row.game.latent_size), 0.0
    latents = np.random.default_rng(2).normal(size=size).astype(np.float32)
    params = {p: ours.state.player(p).params for p in ("generator", "discriminator")}
    tensors = {p: tensors_of(params[p]) for p in params}

    def call(module: nn.Module, player: str, params: Any, inputs: Any) -> jax.Array:
        variables = {**ours.state.player(player).variables, "params": params[player]}
        written = ["batch_stats", "intermediates"]
        return module.apply(variables, inputs, train=True, mutable=written)[0]

    def ours_of(params: Any, player: str) -> jax.Array:
        judged = lambda x: call(judge, "discriminator", params, x)  # noqa: E731
        logits = judged(call(generate, "generator", params, latents))
        if player == "generator":
            return jax.nn.softplus(-logits).mean()
        total = (jax.nn.softplus(-judged(real)) + jax.nn.softplus(logits)).mean()
        if row.r1:
            slopes = jax.grad(lambda x: judged(x).sum())(jnp.asarray(real))
            total += row.r1 / 2 * jnp.square(slopes).reshape(len(slopes), -1).sum(1).mean()
        return total

    def theirs_of(player: str) -> Any:
        judged = partial(twin_of(judge), tensors["discriminator"])
        logits = judged(twin_of(generate)(tensors["generator"], torch.tensor(latents)))
        if player == "generator":
            return softplus(-logits).mean()
        shown = images_of(real).requires_grad_()
        real_logits = judged(shown)
        total = (softplus(-real_logits) + softplus(logits)).mean()
        return total + r1(row.r1, real_logits, shown) if row.r1 else total

    for player in params:
        value, gradients = jax.jit(jax.value_and_grad(partial(ours_of, player=player)))(params)
        leaves, tree = jax.tree.flatten(tensors[player])
        loss = theirs_of(player)
        theirs = arrays_of(tree.unflatten(torch.autograd.grad(loss, leaves)))
        largest = max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(gradients[player]))
        apart = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), gradients[player], theirs)
        found = max(found, max(jax.tree.leaves(apart)) / largest, abs(float(value) - loss.item()))
    return found


def r1(weight: float, real_logits: Any, real: Any) -> Any:
    """The penalty in PyTorch."""
    import torch

    (slopes,) = torch.autograd.grad(real_logits.sum(), real, create_graph=True)
    return weight / 2 * slopes.square().flatten(1).sum(1).mean()


def measured(row: Row, repeats: int) -> dict[str, Any]:
    """A line of the table."""
    real = np.random.default_rng(0).uniform(-1, 1, (row.batch_size, *row.shape)).astype(np.float32)
    ours = Ours(row, real)
    theirs, apart = Theirs(row, ours, real), difference(row, ours, real)
    if not apart < TOLERANCE:
        raise ValueError(f"ours and PyTorch's losses or gradients differ by {apart:.1e}")
    times = interleaved({"ours": ours, "pytorch": theirs}, repeats=repeats)
    times_ratio, cost = ratio(times["pytorch"], times["ours"]), ours.call.cost_analysis()
    return {
        "ours_ms": 1000 * times["ours"].median,
        "pytorch_ms": 1000 * times["pytorch"].median,
        "ratio": times_ratio.median,
        "ratio_quartiles": [times_ratio.low, times_ratio.high],
        "steps": row.steps,
        "largest_difference": apart,
        "compile_seconds": ours.compile_seconds,
        "gflop": cost["flops"] / 1e9,
    }


def table(found: dict[str, dict[str, Any]]) -> str:
    """As Markdown."""
    lines = [
        "| step | ours | PyTorch | PyTorch's time / ours (quartiles) | compile |",
        "|---|---|---|---|---|",
    ]
    for name, row in found.items():
        low, high = row["ratio_quartiles"]
        steps = f" ({row['steps']} steps)" if row["steps"] > 1 else ""
        lines.append(
            f"| `{name}`{steps} | {row['ours_ms']:.1f} ms | {row['pytorch_ms']:.1f} ms "
            f"| **{row['ratio']:.2f}** ({low:.2f} to {high:.2f}) | {row['compile_seconds']:.1f} s |"
        )
    return "\n".join(lines)


def benchmark(
    *, rows: tuple[str, ...] = tuple(rows()), repeats: int = 12, out: Path = Path("runs/speed")
) -> None:
    """Our step beside PyTorch's.

    Args:
        rows: of the table.
        repeats: turns of each.
        out: folder of speed.md and speed.json.
    """
    out.mkdir(parents=True, exist_ok=True)
    made, found = globals()["rows"](), {}
    for name in rows:
        if name not in made:
            raise ValueError(f"there is no row {name!r}: expected some of {', '.join(made)}")
        found[name] = measured(made[name](), repeats)
        (out / "speed.json").write_text(json.dumps(found, indent=1))
        (out / "speed.md").write_text(table(found) + "\n")
        print(table({name: found[name]}).splitlines()[-1], flush=True)


if __name__ == "__main__":
    tyro.cli(benchmark)
