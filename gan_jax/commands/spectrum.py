"""The eigenvalues of a trained game's Jacobian: ``python -m gan_jax spectrum RUN --out spectrum.png``.

Of the vector field of both players' gradients at a checkpoint of a run, on one batch of its data.
An eigenvalue right of the imaginary axis grows by itself; those far above and below it turn the
players around each other. All of them up to 2,000 parameters, the outermost by Arnoldi iteration
beyond.
"""

import dataclasses
from pathlib import Path
from typing import Annotated

import jax
import numpy as np
import tyro
from scipy.sparse.linalg import LinearOperator, eigs

from gan_jax.commands.command import Checkpoint, as_command
from gan_jax.drawing.pictures import check_picture_request, save_picture, spectrum_picture
from gan_jax.game import Game, GANState
from gan_jax.game.check_batch import Batch
from gan_jax.game.keys import run_keys
from gan_jax.stability.jacobian import field_jacobian, field_product
from gan_jax.training.experiment import Experiment, feed_of
from gan_jax.training.first_batch import first_batch
from gan_jax.training.restore import step_of

DENSE = 2_000
_LAST = Checkpoint()


@as_command
def spectrum(
    run: Annotated[Path, tyro.conf.Positional],
    *,
    checkpoint: Annotated[Checkpoint, tyro.conf.OmitArgPrefixes] = _LAST,
    out: Path = Path("spectrum.png"),
    num: int = 20,
    batch_size: int | None = None,
) -> None:
    """Draws the eigenvalues of a run's Jacobian.

    Args:
        run: the run folder.
        checkpoint: which saved state.
        out: the PNG to write.
        num: eigenvalues of each kind (largest real part, largest modulus) of a large game.
        batch_size: real samples; the run's own batch size without it.
    """
    check_picture_request(num, out)
    folder, experiment, state = checkpoint.open(run)
    key = run_keys(experiment.root_key).step
    found = eigenvalues(experiment.game, state, _batch(experiment, batch_size), key, num=num)
    save_picture(spectrum_picture(found), out)
    print(f"{out}: {len(found)} eigenvalues of {folder.path} at step {step_of(state)}")
    print(
        f"largest real part {found.real.max():.4g}, largest imaginary part {np.abs(found.imag).max():.4g}, "
        f"{(found.real > 0).sum()} right of the axis"
    )


def eigenvalues(
    game: Game, state: GANState, batch: Batch, key: jax.Array, *, num: int = 20
) -> np.ndarray:
    """Of :func:`gan_jax.stability.jacobian.field_jacobian`: all, or the outermost of a large game.

    Args:
        game: the game.
        state: where.
        batch: ``real`` ``[1, B, ...]``.
        key: of latents and dropout.
        num: of each kind, where there are more than 2,000 parameters.
    """
    product_fn, size = field_product(game, state, batch, key)
    if size <= DENSE:
        return np.linalg.eigvals(np.asarray(field_jacobian(game, state, batch, key), np.float64))
    operator = LinearOperator(
        (size, size),
        matvec=lambda v: np.asarray(product_fn(v.astype(np.float32).ravel()), np.float64),
        dtype=np.float64,
    )
    start = np.ones(size)  # not random: the same run gives the same numbers
    found = [
        eigs(operator, num, which=which, return_eigenvectors=False, tol=1e-3, v0=start)
        for which in ("LR", "LM")
    ]
    return np.concatenate(found)


def _batch(experiment: Experiment, batch_size: int | None) -> Batch:
    """The first of the run, of one update."""
    size = batch_size or experiment.batch_size
    game = dataclasses.replace(experiment.game, discriminator_steps=1)
    member = dataclasses.replace(experiment, game=game, batch_size=size)
    return first_batch(member, feed_of(member))
