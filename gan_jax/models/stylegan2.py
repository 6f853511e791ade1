"""StyleGAN2's generator: a mapping to styles, and convolutions whose weights the styles scale.

``__call__`` is one after the other; a game that mixes styles, or penalises lengths of paths, calls
``mapping`` and ``synthesis`` itself: :func:`styled`. Its opponent is
:class:`gan_jax.models.stylegan2_discriminator.StyleGAN2Discriminator`.

==================  ======================================================  ==========================
preset              widths                                                  besides
==================  ======================================================  ==========================
CIFAR-10            ``(512,) * 4``                                          ``mapping_layers=2``,
                                                                            ``residual=False``
256x256, half       ``(512, 512, 512, 512, 256, 128, 64)``
1024x1024 (FFHQ)    ``(512, 512, 512, 512, 512, 256, 128, 64, 32)``
==================  ======================================================  ==========================

Training, as published: ``losses.non_saturating()``; Adam of rate 0.0025 (CIFAR-10) or 0.002, betas 0
and 0.99; R1 on ``schedules.lazy(gamma, every=16)``; :mod:`gan_jax.remedies.path_length` (not on
CIFAR-10); an EMA with a half-life of 10,000 to 500,000 images. A term of a schedule is a part of the
player's one update, so that the rate needs no correction.

References:
    Karras et al. 2019, arXiv 1812.04948 (StyleGAN); 2020, arXiv 1912.04958 (StyleGAN2); 2020,
    arXiv 2006.06676 (with labels, and on CIFAR-10).
"""

from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.context import Shown, Turn
from gan_jax.models.conditioning import check_labels
from gan_jax.models.residual import start_size
from gan_jax.models.styles import MappingNetwork, Synthesis, one_hot


class StyleGAN2Generator(nn.Module):
    """Latents ``[B, Z]`` to images ``[B, H, W, C]``, unbounded.

    In training, noise is drawn from the stream ``noise``, and a moving average of the styles is kept
    in the variables; in evaluation the noise is the one that was drawn at the beginning.

    Attributes:
        image_shape: ``(H, W, C)``; H and W are multiples of ``2 ** (len(widths) - 1)``; the
            published networks begin at 4x4.
        widths: channels of each map, from the smallest on.
        style_size: of a style w.
        mapping_layers: from the latents to a style.
        mapping_rate: how fast these learn, by the rest.
        mean_decay: of the moving average of the styles.
        num_classes: for integer labels as the condition.
        dtype: of the synthesis, such as ``jnp.bfloat16``; parameters and results stay float32.
        remat: whether each layer is computed anew for its gradient, which saves the memory of what
            lies within it.
    """

    image_shape: tuple[int, int, int]
    widths: tuple[int, ...] = (512, 512, 512, 512)
    style_size: int = 512
    mapping_layers: int = 8
    mapping_rate: float = 0.01
    mean_decay: float = 0.995
    num_classes: int | None = None
    dtype: Any = None
    remat: bool = False

    def setup(self):
        """The two networks, and the mean of what goes from one to the other."""
        start = start_size(self.image_shape, len(self.widths) - 1)
        channels = self.image_shape[-1]
        self.mapper = MappingNetwork(self.style_size, self.mapping_layers, self.mapping_rate)
        self.synthesizer = Synthesis(start, channels, self.widths, self.dtype, self.remat)
        zeros = lambda: jnp.zeros(self.style_size)  # noqa: E731
        self.mean_style = self.variable("statistics", "mean_style", zeros)

    @property
    def num_layers(self) -> int:
        """L: layers that a style goes to."""
        return 2 * len(self.widths)

    def __call__(
        self,
        latents: Any,
        condition: jax.Array | None = None,
        *,
        train: bool,
        truncation: jax.Array | float = 1.0,
    ) -> jax.Array:
        """``[B, Z] -> [B, H, W, C]``, float32; of a tree of :func:`mixed_latents`, ``z`` alone."""
        latents = latents["z"] if isinstance(latents, Mapping) else latents
        styles = self.mapping(latents, condition, train=train, truncation=truncation)
        return self.synthesis(styles, train=train)

    def mapping(
        self,
        latents: jax.Array,
        condition: jax.Array | None = None,
        *,
        train: bool,
        truncation: jax.Array | float = 1.0,
        keep_mean: bool = True,
    ) -> jax.Array:
        """Latents ``[B, Z]`` to a style for each layer, ``[B, L, W]``: the same for all.

        Args:
            latents: normalised here to a mean square of 1.
            condition: labels ``[B]``, or None.
            train: whether the mean of the styles moves.
            truncation: what is left of the distance to the mean, one number or ``[B]``; 1 is all, 0
                draws the mean.
            keep_mean: whether the mean moves in training; a second call in one pass need not.

        References:
            Karras et al. 2019, arXiv 1812.04948, section 2 and appendix B (truncation).
        """
        check_labels(condition, self.num_classes)
        style = self.mapper(latents, one_hot(condition, self.num_classes))
        mean = self.mean_style
        if train and keep_mean and not self.is_initializing():
            seen = jax.lax.stop_gradient(style).mean(0)
            mean.value = self.mean_decay * mean.value + (1.0 - self.mean_decay) * seen
        if isinstance(truncation, jax.Array) or truncation != 1.0:
            left = jnp.reshape(truncation, (-1, 1))
            style = mean.value[None] + left * (style - mean.value[None])
        return jnp.repeat(style[:, None], self.num_layers, axis=1)

    def synthesis(self, styles: jax.Array, *, train: bool) -> jax.Array:
        """Styles ``[B, L, W]`` to images ``[B, H, W, C]``, float32."""
        if styles.ndim != 3 or styles.shape[1] != self.num_layers:
            raise ValueError(
                f"styles must be [B, {self.num_layers}, {self.style_size}], one for each layer, got "
                f"{styles.shape}"
            )
        return self.synthesizer(styles, train=train)


def truncated_styles(players: Any, latents: Any, rows: Mapping[str, Any]) -> jax.Array:
    """Images in ``[-1, 1]`` whose styles are drawn towards their mean by the rows' ``truncation``.

    ``Experiment(draw_fn=truncated_styles, draw_options={"truncation": 1.0})``; then
    ``sample RUN --truncation 0.7``.
    """
    condition, truncation = rows.get("condition"), rows["truncation"]
    images = players.generator_fn(latents, condition, truncation=truncation)
    return jnp.clip(images, -1.0, 1.0)


def mixed_latents(
    num_layers: int, *, probability: float = 0.9
) -> Callable[[jax.Array, tuple[int, int]], dict[str, jax.Array]]:
    """Latents for two styles, and the layer from which on the second takes over; for :func:`styled`.

    Args:
        num_layers: of the generator.
        probability: of a mixture, for each row; in ``[0, 1]``. The others take the first style
            everywhere.

    Raises:
        ValueError: a number is out of range.

    References:
        Karras et al. 2019, arXiv 1812.04948, section 3.1 (there one layer for the whole batch).
    """
    if num_layers < 2 or not 0.0 <= probability <= 1.0:
        raise ValueError(
            "num_layers must be at least 2 and probability in [0, 1], got "
            f"{num_layers} and {probability}"
        )

    def latent_fn(key: jax.Array, shape: tuple[int, int]) -> dict[str, jax.Array]:
        first_key, second_key, cut_key, coin_key = jax.random.split(key, 4)
        cut = jax.random.randint(cut_key, shape[:1], 1, num_layers)
        mixed = jax.random.bernoulli(coin_key, probability, shape[:1])
        return {
            "z": jax.random.normal(first_key, shape),
            "other": jax.random.normal(second_key, shape),
            "cut": jnp.where(mixed, cut, num_layers),
        }

    return latent_fn


def styled(generator_fn: Callable, latents: Any, batch: Mapping[str, Any], turn: Turn) -> Shown:
    """The default game with the styles among its extras (``ws``), mixed where the latents say so.

    For ``Game.show_fn``; the latents are normal, or those of :func:`mixed_latents`.
    """
    told = () if batch.get("condition") is None else (batch["condition"],)
    if isinstance(latents, Mapping):
        styles = generator_fn(latents["z"], *told, method="mapping")
        others = generator_fn(latents["other"], *told, method="mapping", keep_mean=False)
        layers = jnp.arange(styles.shape[1])[None, :, None]
        styles = jnp.where(layers < latents["cut"][:, None, None], styles, others)
    else:
        styles = generator_fn(latents, *told, method="mapping")
    fake = generator_fn(styles, method="synthesis")
    return Shown(batch["real"], fake, *told, extras={"ws": styles})
