"""A small classifier, trained on the spot: the feature network of runs without downloads."""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from tqdm import tqdm

from gan_jax.data import ArraySource, Batches, pixels_to_real
from gan_jax.models.blocks import Conv


class ConvClassifier(nn.Module):
    """Images ``[B, H, W, C]`` in [-1, 1] to (logits ``[B, classes]``, features ``[B, 64]``)."""

    num_classes: int

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> tuple[jax.Array, jax.Array]:
        """Two convolutions of stride 2, a dense layer (the features), a dense layer."""
        hidden = nn.relu(Conv(32, 5, 2)(images))
        hidden = nn.relu(Conv(64, 3, 2)(hidden))
        hidden = nn.Dropout(0.3, deterministic=not train)(hidden.reshape(len(hidden), -1))
        features = nn.relu(nn.Dense(64)(hidden))
        logits = nn.Dense(self.num_classes)(nn.Dropout(0.3, deterministic=not train)(features))
        return logits, features


class Classifier(NamedTuple):
    """A trained classifier.

    Attributes:
        network: the module.
        variables: what its ``apply`` takes.
        accuracy: on the held-out examples, in [0, 1].
        num_held_out: how many these were.
    """

    network: ConvClassifier
    variables: dict
    accuracy: float
    num_held_out: int

    def judge(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Images ``[N, H, W, C]`` in [-1, 1] to (probabilities ``[N, classes]``, features)."""
        return _judge(self.network, self.variables, images)


def train_classifier(
    source: ArraySource, *, seed: int = 0, steps: int = 1000, batch_size: int = 128
) -> Classifier:
    """Trains on five sixths of a labelled set, and measures the accuracy on the rest.

    Adam(1e-3) with cosine decay to 0.

    Args:
        source: with ``image`` uint8 and integer ``label``.
        seed: of the split, the initialisation and the order.
        steps: updates.
        batch_size: at most the training examples.

    Raises:
        ValueError: the source holds no ``label``, or too few examples.
    """
    if "label" not in source.arrays:
        raise ValueError(
            f"a classifier needs 'label' beside 'image', the data hold {sorted(source.arrays)}"
        )
    order = np.random.default_rng(seed).permutation(len(source))
    held_out, training = np.split(order, [len(source) // 6])
    batches = Batches(
        ArraySource(source[training]), batch_size=min(batch_size, len(training)), seed=seed
    )
    network = ConvClassifier(int(source.arrays["label"].max()) + 1)
    variables = _fit(network, batches, seed, steps)
    images = pixels_to_real(source[held_out])["real"]
    probabilities, _ = _judge(network, variables, images)
    accuracy = float((probabilities.argmax(1) == source.arrays["label"][held_out]).mean())
    return Classifier(network, variables, accuracy, len(held_out))


def _fit(network: ConvClassifier, batches: Batches, seed: int, steps: int) -> dict:
    optimizer = optax.adam(optax.cosine_decay_schedule(1e-3, steps))
    key = jax.random.key(seed)

    @jax.jit
    def update(variables, opt_state, batch, step):
        def loss_fn(variables):
            dropout = {"dropout": jax.random.fold_in(key, step)}
            images = pixels_to_real(batch)["real"][0]
            logits, _ = network.apply(variables, images, train=True, rngs=dropout)
            losses = optax.softmax_cross_entropy_with_integer_labels(logits, batch["label"][0])
            return losses.mean()

        updates, opt_state = optimizer.update(jax.grad(loss_fn)(variables), opt_state)
        return optax.apply_updates(variables, updates), opt_state

    example = pixels_to_real(batches.source[:1])["real"]
    variables = network.init(key, example, train=False)
    opt_state = optimizer.init(variables)
    for step in tqdm(range(steps), desc="training the classifier that judges", leave=False):
        variables, opt_state = update(variables, opt_state, batches[step], jnp.int32(step))
    return variables


def _judge(network, variables, images, batch_size: int = 1000):
    @jax.jit
    def apply(variables, images):
        logits, features = network.apply(variables, images, train=False)
        return jax.nn.softmax(logits), features

    parts = [
        apply(variables, images[start : start + batch_size])
        for start in range(0, len(images), batch_size)
    ]
    probabilities, features = zip(*parts, strict=True)
    return np.concatenate(probabilities), np.concatenate(features)
