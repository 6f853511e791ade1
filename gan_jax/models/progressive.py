"""Progressive growing (ProGAN): players that begin with small images and fade in one resolution after another.

One set of parameters and one program serve all stages. A *level* says how far the players have grown:
its whole part is the number of stages in full use, its fraction how far the next one is faded in. Level 1
is the smallest map, level 2.3 is the second and 0.3 of the third. Images have their full size at every
level: they are small ones, enlarged. So every round costs what the last ones do; the published program,
which builds new networks at each stage, saves that time::

    level_fn = growth(4, steady_rounds=1000, fading_rounds=1000)
    game = Game(
        ProgressiveGenerator((32, 32, 3), widths), ProgressiveDiscriminator(widths[::-1]),
        show_fn=growing(level_fn, stages=4), latent_size=128, ...
    )
    Experiment(game=game, draw_fn=drawn_at(level_fn), ...)

References:
    Karras et al. 2018, arXiv 1710.10196, sections 2 to 4 and appendix A.
"""

from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.context import Shown, Turn
from gan_jax.models.equalized import EqualizedConv, EqualizedDense, scaled_leaky_relu
from gan_jax.models.minibatch_std import MinibatchStd
from gan_jax.models.residual import doubled, halved, start_size
from gan_jax.models.styles import of_unit_square
from gan_jax.schedules import Schedule

Level = jax.Array | float | None


def growth(stages: int, *, steady_rounds: int, fading_rounds: int) -> Schedule:
    """The level of each round: a stage in full use for a while, then the next one fades in, and so on.

    ``1 + n + clip((t - steady_rounds) / fading_rounds, 0, 1)`` in round ``t`` of the n-th period of
    ``steady_rounds + fading_rounds``; at most ``stages``.

    Args:
        stages: how many there are, one for each width of the players.
        steady_rounds: that a stage is in full use before the next one begins; at least 0. The
            paper's are 800,000 real images; its published program has 600,000.
        fading_rounds: of each fade, at least 1; as many as the others, in the paper.

    Raises:
        ValueError: a number is out of range.
    """
    if stages < 1 or steady_rounds < 0 or fading_rounds < 1:
        raise ValueError(
            "growth needs at least 1 stage, 0 steady rounds and 1 fading round, got "
            f"{stages}, {steady_rounds} and {fading_rounds}"
        )

    def level_fn(step: jax.Array) -> jax.Array:
        period, place = jnp.divmod(step, steady_rounds + fading_rounds)
        share = jnp.clip((place - steady_rounds) / fading_rounds, 0.0, 1.0)
        return jnp.minimum(1.0 + period + share, stages)

    return level_fn


def growing(level_fn: Schedule, *, stages: int) -> Callable[..., Shown]:
    """The ``show_fn``: both players are told the level of the round, and real images are faded likewise.

    Args:
        level_fn: of the round, such as :func:`growth`.
        stages: of both players.
    """

    def show_fn(
        generator_fn: Callable, latents: jax.Array, batch: Mapping[str, Any], turn: Turn
    ) -> Shown:
        level = jnp.full(len(batch["real"]), level_fn(turn.step), jnp.float32)
        real = faded(batch["real"], level, stages=stages)
        return Shown(real, generator_fn(latents, level), condition=level)

    return show_fn


def drawn_at(level_fn: Schedule) -> Callable[..., jax.Array]:
    """The ``draw_fn``: what the generator draws at the level of the round, clipped to [-1, 1].

    Args:
        level_fn: as of :func:`growing`.
    """

    def draw_fn(players, latents: jax.Array, rows: Mapping[str, Any]) -> jax.Array:
        level = jnp.full(len(latents), level_fn(players.turn.step), jnp.float32)
        return jnp.clip(players.generator_fn(latents, level), -1.0, 1.0)

    return draw_fn


def faded(images: jax.Array, level: Level, *, stages: int) -> jax.Array:
    """Images as a generator of that level would draw them: reduced, mixed, and enlarged again.

    Args:
        images: ``[B, H, W, C]``; H and W are multiples of ``2^(stages - 1)``.
        level: ``[B]`` or a number, from 1 to ``stages``.
        stages: how many there are.

    Returns:
        ``[B, H, W, C]``; at the level ``stages`` the images themselves.

    References:
        Karras et al. 2018, arXiv 1710.10196, figure 2 (the real images).
    """
    sizes = _reductions(images, stages)
    enlarged = [_enlarged(small, stages - 1 - stage) for stage, small in enumerate(sizes)]
    return _mixed(enlarged, level)


class ProgressiveGenerator(nn.Module):
    """Latents ``[B, Z]``, and a level, to images ``[B, H, W, C]``, about in ``[-1, 1]``.

    A dense layer to the smallest map; two 3x3 convolutions of each map (one of the first), the first
    of them behind an enlargement by two (nearest neighbour); each map has a 1x1 convolution to the
    image of its stage. What is faded is these images, enlarged: ``(1 - a) up(x_k) + a x_(k + 1)``.
    Latents and every layer's features are normalised to a mean square of 1 (pixelwise). The biases
    are scaled with the activations, by sqrt(2), where the published program scales the weights only.

    Attributes:
        image_shape: ``(H, W, C)``; the smallest map is smaller by ``2^(len(widths) - 1)``.
        widths: channels of each map, a stage each.
        dtype: of the computation, such as ``jnp.bfloat16``; parameters and results stay float32.

    References:
        Karras et al. 2018, arXiv 1710.10196, sections 2 and 4, table 2.
    """

    image_shape: tuple[int, int, int]
    widths: tuple[int, ...] = (512, 512, 512, 512)
    dtype: Any = None

    @nn.compact
    def __call__(self, latents: jax.Array, level: Level = None, *, train: bool) -> jax.Array:
        """``[B, Z]``, and levels ``[B]`` or a number (all stages if None), to ``[B, H, W, C]``, float32."""
        stages = len(self.widths)
        hidden = self.smallest_map(latents)
        images = []
        for stage, features in enumerate(self.widths):
            for layer in range(2 if stage else 1):
                hidden = doubled(hidden) if stage and layer == 0 else hidden
                name = f"stage_{stage + 1}_{layer}"
                conv = EqualizedConv(features, dtype=self.dtype, name=name)
                hidden = of_unit_square(conv(hidden))
            options = dict(activation_fn=None, dtype=self.dtype, name=f"stage_{stage + 1}_image")
            image = EqualizedConv(self.image_shape[2], 1, **options)(hidden).astype(jnp.float32)
            images.append(_enlarged(image, stages - 1 - stage))
        return _mixed(images, stages if level is None else level)

    def smallest_map(self, latents: jax.Array) -> jax.Array:
        """``[B, Z] -> [B, h, w, widths[0]]``: a dense layer, with one bias for each channel."""
        start = (*self.start_size, self.widths[0])
        size = start[0] * start[1] * start[2]
        dense = EqualizedDense(size, use_bias=False, dtype=self.dtype, name="start")
        bias = self.param("start_bias", nn.initializers.zeros, start[-1:])
        hidden = dense(of_unit_square(latents)).reshape(-1, *start)
        hidden += bias[None, None, None].astype(hidden.dtype)
        # the published quarter of the usual gain does not outlive the normalisation
        return of_unit_square(scaled_leaky_relu(hidden))

    @property
    def start_size(self) -> tuple[int, int]:
        """Of the smallest map."""
        if len(self.widths) == 1:
            return self.image_shape[:2]
        return start_size(self.image_shape, len(self.widths) - 1)


class ProgressiveDiscriminator(nn.Module):
    """Images ``[B, H, W, C]``, and a level, to logits ``[B]``: the generator's mirror image.

    Each stage has a 1x1 convolution from the image, reduced to its size (means of 2x2). It takes the
    place of what the stages before it made of the larger image, as far as those are not faded in:
    ``(1 - a) from_image(down(x)) + a block(x)``. The statistic of the batch, a 3x3 convolution and two
    dense layers follow the last.

    Attributes:
        widths: channels of each map, from the image on: the generator's, reversed.
        statistic_fn: makes a module that adds a feature of the whole batch, or None. The rows must
            be a multiple of its group.
        dtype: of the computation, such as ``jnp.bfloat16``; parameters and results stay float32.

    References:
        Karras et al. 2018, arXiv 1710.10196, sections 2 to 4, table 2.
    """

    widths: tuple[int, ...] = (512, 512, 512, 512)
    statistic_fn: Callable | None = MinibatchStd
    dtype: Any = None

    @nn.compact
    def __call__(self, images: jax.Array, level: Level = None, *, train: bool) -> jax.Array:
        """``[B, H, W, C]``, and levels ``[B]`` or a number (all stages if None), to ``[B]``, float32."""
        stages = len(self.widths)
        level = stages if level is None else level
        widths, sizes, hidden = self.widths[::-1], _reductions(images, stages), None
        for stage in reversed(range(stages)):
            name = f"stage_{stage + 1}"
            first = EqualizedConv(widths[stage], 1, dtype=self.dtype, name=f"{name}_image")
            hidden = _joined(first(sizes[stage]), hidden, _share(level, stage + 1, stages))
            if stage:
                for layer, features in enumerate((widths[stage], widths[stage - 1])):
                    conv = EqualizedConv(features, dtype=self.dtype, name=f"{name}_{layer}")
                    hidden = conv(hidden)
                hidden = halved(hidden)
        hidden = hidden.astype(jnp.float32)  # the deviation of a batch is a small difference
        if self.statistic_fn is not None:
            hidden = self.statistic_fn()(hidden)
        hidden = EqualizedConv(widths[0], name="stage_1_0")(hidden)
        features = EqualizedDense(widths[0], scaled_leaky_relu)(hidden.reshape(len(hidden), -1))
        self.sow("intermediates", "features", features)
        return EqualizedDense(1)(features)[:, 0]


def _reductions(images: jax.Array, stages: int) -> list[jax.Array]:
    """The images at the size of each stage, the smallest first."""
    sizes = [images]
    for _ in range(stages - 1):
        sizes.insert(0, halved(sizes[0]))
    return sizes


def _enlarged(images: jax.Array, times: int) -> jax.Array:
    """Each pixel ``2^times`` times along both axes."""
    return images.repeat(2**times, axis=1).repeat(2**times, axis=2)


def _mixed(images: list[jax.Array], level: Level) -> jax.Array:
    """The images of all stages at one size, each as far as it is in use: one of them, or two neighbours."""
    return sum(
        image * (_share(level, stage, len(images)) - _share(level, stage + 1, len(images)))
        for stage, image in enumerate(images)
    )


def _share(level: Level, stage: int, stages: int) -> jax.Array | float:
    """How far a stage, counted from 0, is faded in: 0 to 1, ``[B, 1, 1, 1]`` or a scalar.

    Raises:
        ValueError: the level is a number beyond the stages, or has another shape.
    """
    if isinstance(level, int | float) and not 1 <= level <= stages:
        raise ValueError(f"level must be 1 to {stages}, the number of stages, got {level}")
    level = jnp.asarray(level, jnp.float32)
    if level.ndim > 1:
        raise ValueError(f"level must be a number or one for each row [B], got {level.shape}")
    if stage in (
        0,
        stages,
    ):  # the first is there from the beginning, and there is none after the last
        return jnp.float32(stage == 0)
    share = jnp.clip(level - stage, 0.0, 1.0)
    return share[:, None, None, None] if share.ndim else share


def _joined(own: jax.Array, before: jax.Array | None, share: jax.Array) -> jax.Array:
    """A stage's own map of the image, and what comes from the stage before it as far as that is in use."""
    return own if before is None else own + (before - own) * share.astype(own.dtype)
