"""The last layers of a discriminator: features to one logit, and to what terms want to read besides.

A head is called ``(features [B, F], condition, *, train) -> logits [B]``. It sows, by name, what it
says besides; a term finds it in ``context.real.sown`` and ``context.fake.sown``. A discriminator
takes one as its ``head_fn``.

=================  =====================  =====================================================
head               sows                   term
=================  =====================  =====================================================
:class:`Head`      ``features``           :mod:`gan_jax.remedies.feature_matching`
ClassifierHead     ``classes``            :mod:`gan_jax.remedies.auxiliary_classes`
OpenHead           ``classes``            :mod:`gan_jax.remedies.semi_supervised`
ProxyHead          ``embedding, proxy``   :mod:`gan_jax.remedies.data_to_data`
CodeHead           ``code``               :mod:`gan_jax.remedies.mutual_information`
WhichHead          ``which``              :mod:`gan_jax.models.several`, where it is
=================  =====================  =====================================================
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from gan_jax.models.blocks import BatchNorm, Block, leaky_relu, plain
from gan_jax.models.conditioning import check_labels
from gan_jax.remedies.semi_supervised import real_logit


class Head(nn.Module):
    """Features to one logit, with the projection of a label where there is one.

    ``w . h + b + v_y . h``, float32. What constrains the weights w constrains the embeddings v too.
    It sows ``features`` ``[B, F]``, and so do the other heads.

    Attributes:
        num_classes: of the labels, or None.
        constrain_fn: ``plain`` or ``spectral`` of :mod:`gan_jax.models.blocks`.
        kernel_init: of the weights w.
        dtype: of the computation; the logits are float32.

    References:
        Miyato and Koyama 2018, arXiv 1802.05637, equation 4.
    """

    num_classes: int | None = None
    constrain_fn: Callable = plain
    kernel_init: Callable = nn.initializers.lecun_normal()
    dtype: Any = None

    @nn.compact
    def __call__(
        self, features: jax.Array, condition: jax.Array | None, *, train: bool
    ) -> jax.Array:
        """``[B, F]`` (and labels ``[B]`` or None) to logits ``[B]``."""
        self.sow("intermediates", "features", features)
        check_labels(condition, self.num_classes)
        logits = self.dense(1, features, train)[:, 0]
        if condition is not None:
            embedding = self.embedded(features.shape[-1], condition, train)
            logits += jnp.sum(embedding * features, axis=-1)
        return logits.astype(jnp.float32)

    def dense(self, size: int, features: jax.Array, train: bool) -> jax.Array:
        """A dense layer, constrained."""
        layer = nn.Dense(size, kernel_init=self.kernel_init, dtype=self.dtype)
        return self.constrain_fn(layer)(features, train=train)

    def embedded(self, size: int, labels: jax.Array, train: bool) -> jax.Array:
        """A vector for each label, constrained."""
        layer = nn.Embed(self.num_classes, size, dtype=self.dtype)
        return self.constrain_fn(layer)(labels, train=train)


class ClassifierHead(Head):
    """A logit that knows no label, and a classifier beside it.

    It sows ``classes``, the logits ``[B, num_classes]`` float32. The condition is not looked at.

    References:
        Odena et al. 2017, arXiv 1610.09585, section 3.
    """

    @nn.compact
    def __call__(
        self, features: jax.Array, condition: jax.Array | None, *, train: bool
    ) -> jax.Array:
        """``[B, F]`` to logits ``[B]``."""
        self.sow("intermediates", "features", features)
        if self.num_classes is None:
            raise ValueError("a ClassifierHead needs num_classes, the number of labels")
        classes = self.dense(self.num_classes, features, train)
        self.sow("intermediates", "classes", classes.astype(jnp.float32))
        return self.dense(1, features, train)[:, 0].astype(jnp.float32)


class OpenHead(Head):
    """K logits for K classes and none for fakes: the logit of "real" is ``log sum_k exp(l_k)``.

    It sows ``classes``, the K logits ``[B, num_classes]`` float32. The condition is not looked at.

    References:
        Salimans et al. 2016, arXiv 1606.03498, section 5.
    """

    @nn.compact
    def __call__(
        self, features: jax.Array, condition: jax.Array | None, *, train: bool
    ) -> jax.Array:
        """``[B, F]`` to logits ``[B]``."""
        self.sow("intermediates", "features", features)
        if self.num_classes is None:
            raise ValueError("an OpenHead needs num_classes, the number of labels")
        classes = self.dense(self.num_classes, features, train).astype(jnp.float32)
        self.sow("intermediates", "classes", classes)
        return real_logit(classes)


class ProxyHead(Head):
    """A logit that knows no label, and a point on a sphere for each sample and each label.

    It sows ``embedding``, of the samples, and ``proxy``, of their labels: ``[B, embedding_size]``
    float32, of length 1.

    Attributes:
        embedding_size: of the sphere's space.

    References:
        Kang et al. 2021, arXiv 2111.01118, section 3.2 (ReACGAN).
    """

    embedding_size: int = 512

    @nn.compact
    def __call__(
        self, features: jax.Array, condition: jax.Array | None, *, train: bool
    ) -> jax.Array:
        """``[B, F]`` and labels ``[B]`` to logits ``[B]``."""
        self.sow("intermediates", "features", features)
        if self.num_classes is None:
            raise ValueError("a ProxyHead needs num_classes, the number of labels")
        check_labels(condition, self.num_classes)
        embedding = self.dense(self.embedding_size, features, train)
        proxy = self.embedded(self.embedding_size, condition, train)
        for name, rows in (("embedding", embedding), ("proxy", proxy)):
            self.sow("intermediates", name, _on_the_sphere(rows.astype(jnp.float32)))
        return self.dense(1, features, train)[:, 0].astype(jnp.float32)


def _on_the_sphere(rows: jax.Array) -> jax.Array:
    # the square root has no slope at 0
    length = jnp.sqrt(jnp.maximum(jnp.sum(jnp.square(rows), axis=-1, keepdims=True), 1e-12))
    return rows / length


class CodeHead(Head):
    """:class:`Head`, and what the samples say of the code that they were made from.

    It sows ``code`` ``[B, code_size]`` float32: for each category of the code a logit, for each
    continuous part its mean.

    Attributes:
        code_size: as :attr:`gan_jax.remedies.mutual_information.Code.size` says.
        widths: of the hidden layers that only the code is read from.
        shared_widths: of the hidden layers before them, from which the logit is read too.
        norm_fn: after each of both, or None.

    References:
        Chen et al. 2016, arXiv 1606.03657, section 6 and appendix C.1.
    """

    code_size: int = 0
    widths: tuple[int, ...] = (128,)
    shared_widths: tuple[int, ...] = ()
    norm_fn: Callable | None = BatchNorm

    @nn.compact
    def __call__(
        self, features: jax.Array, condition: jax.Array | None, *, train: bool
    ) -> jax.Array:
        """``[B, F]`` (and labels ``[B]`` or None) to logits ``[B]``."""
        if self.code_size < 1:
            raise ValueError(
                f"a CodeHead needs code_size >= 1, the size of the code, got {self.code_size}"
            )
        for width in self.shared_widths:
            features = self.block(width, features, train)
        hidden = features
        for width in self.widths:
            hidden = self.block(width, hidden, train)
        code = self.dense(self.code_size, hidden, train)
        self.sow("intermediates", "code", code.astype(jnp.float32))
        return super().__call__(features, condition, train=train)

    def block(self, width: int, hidden: jax.Array, train: bool) -> jax.Array:
        """A dense layer, constrained and normalised, and its activation."""
        layer = nn.Dense(width, kernel_init=self.kernel_init, dtype=self.dtype)
        options = dict(norm_fn=self.norm_fn, activation_fn=leaky_relu, dtype=self.dtype)
        return Block(layer, self.constrain_fn, **options)(hidden, train=train)
