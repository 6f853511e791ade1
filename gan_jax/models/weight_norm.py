"""Weight normalisation that starts from data, and the noisy classifier that is trained with it.

References:
    Salimans and Kingma 2016, arXiv 1602.07868.
"""

import math
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.remedies.semi_supervised import real_logit

_LEAST = 1e-6  # of a deviation that the first batch shows: a unit that is still has no scale


class WeightNormDense(nn.Module):
    """``g (x @ v / |v|) + b``, with g and b such that the first batch leaves with mean 0 and deviation 1.

    |v| is the length of each column, so the direction of a unit's weights and their scale are
    separate parameters. The first batch is the one that the module is initialised on.

    Attributes:
        features: outputs.
        learn_scale: whether g is trained; else it stays what the first batch made it, and only v
            and b are.
        kernel_init: of v.
        dtype: of the computation.

    References:
        Salimans and Kingma 2016, arXiv 1602.07868, equation 2, and equation 5 for the first batch.
    """

    features: int
    learn_scale: bool = True
    kernel_init: Callable = nn.initializers.normal(0.1)
    dtype: Any = None

    @nn.compact
    def __call__(self, inputs: jax.Array) -> jax.Array:
        """``[B, F] -> [B, features]``."""
        kernel = self.param("kernel", self.kernel_init, (inputs.shape[-1], self.features))
        inputs, kernel = nn.dtypes.promote_dtype(inputs, kernel, dtype=self.dtype)
        # the outputs are divided, not the kernel: there are fewer of them
        outputs = (inputs @ kernel) / jnp.linalg.norm(kernel, axis=0, keepdims=True)

        def first_scale(key: jax.Array) -> jax.Array:
            return (1.0 / jnp.maximum(outputs.std(0), _LEAST)).astype(jnp.float32)

        scale = self.param("scale", first_scale)
        bias = self.param(
            "bias", lambda key: (-outputs.mean(0) * first_scale(key)).astype(jnp.float32)
        )
        if not self.learn_scale:
            scale = jax.lax.stop_gradient(scale)
        return outputs * scale[None].astype(outputs.dtype) + bias[None].astype(outputs.dtype)


class GaussianNoise(nn.Module):
    """Normal noise on every number, in training only.

    Attributes:
        deviation: of the noise, not negative.
    """

    deviation: float

    @nn.compact
    def __call__(self, inputs: jax.Array, *, train: bool) -> jax.Array:
        """The same shape."""
        if not 0.0 <= self.deviation < math.inf:
            raise ValueError(f"deviation must be a finite number >= 0, got {self.deviation}")
        if not train or self.deviation == 0.0:
            return inputs
        noise = jax.random.normal(self.make_rng("dropout"), inputs.shape, inputs.dtype)
        return inputs + self.deviation * noise


class NoisyClassifier(nn.Module):
    """Samples ``[B, ...]``, flattened, to the logit of "real" ``[B]``; it sows the K logits of the classes.

    Noise, a dense layer with weight normalisation, a ReLU; so for each width, then noise once more
    and the K logits. ``log sum_k exp(l_k)`` is the logit of "real". It sows ``classes`` ``[B, K]`` and
    ``features``, the last hidden layer before its noise. The scales of the hidden layers stay what the
    first batch made them; the last layer's is trained.

    Attributes:
        num_classes: K, at least 2.
        widths: the hidden layers.
        input_noise: deviation of the noise on the samples; the paper's 0.3 is for pixels in [0, 1],
            which is 0.6 for pixels in [-1, 1].
        noise: deviation of the noise on each hidden layer.
        dtype: of the computation; logits are float32.

    References:
        Salimans et al. 2016, arXiv 1606.03498, section 5.1; widths and noise from its published
        program.
    """

    num_classes: int = 10
    widths: tuple[int, ...] = (1000, 500, 250, 250, 250)
    input_noise: float = 0.6
    noise: float = 0.5
    activation_fn: Callable = nn.relu
    dtype: Any = None

    @nn.compact
    def __call__(self, samples: jax.Array, condition: None = None, *, train: bool) -> jax.Array:
        """``[B, ...] -> [B]``, float32."""
        if self.num_classes < 2:
            raise ValueError(f"num_classes must be at least 2, got {self.num_classes}")
        hidden = GaussianNoise(self.input_noise)(samples.reshape(len(samples), -1), train=train)
        features = hidden
        for width in self.widths:
            features = self.activation_fn(
                WeightNormDense(width, learn_scale=False, dtype=self.dtype)(hidden)
            )
            hidden = GaussianNoise(self.noise)(features, train=train)
        self.sow("intermediates", "features", features)
        classes = WeightNormDense(self.num_classes, dtype=self.dtype)(hidden).astype(jnp.float32)
        self.sow("intermediates", "classes", classes)
        return real_logit(classes)
