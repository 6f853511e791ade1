"""A small classifier, trained on the spot: the feature network of runs without downloads."""

from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from tqdm import tqdm

from gan_jax.augment import AugmentFn, compose, rotate, translate
from gan_jax.data import ArraySource, Batches, pixels_to_real
from gan_jax.models.blocks import Conv

VERSION = (
    2  # raised with every change of the network or its training: files of another are not used
)


class ConvClassifier(nn.Module):
    """Images ``[B, H, W, C]`` in [-1, 1] to (logits ``[B, classes]``, features ``[B, F]``).

    Attributes:
        num_classes: of the logits.
        widths: channels of the two convolutions, 5x5 and 3x3.
        num_features: F.
    """

    num_classes: int
    widths: tuple[int, int] = (32, 64)
    num_features: int = 64

    @nn.compact
    def __call__(self, images: jax.Array, *, train: bool) -> tuple[jax.Array, jax.Array]:
        """Two convolutions of stride 2, a dense layer (the features), a dense layer."""
        hidden = images
        for features, kernel_size in zip(self.widths, (5, 3), strict=True):
            hidden = nn.relu(Conv(features, kernel_size, 2)(hidden))
        hidden = nn.Dropout(0.3, deterministic=not train)(hidden.reshape(len(hidden), -1))
        features = nn.relu(nn.Dense(self.num_features)(hidden))
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

    def classify(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Images ``[N, H, W, C]`` in [-1, 1] to (probabilities ``[N, classes]``, features)."""
        return _classify(self.network, self.variables, images)


def training_and_held_out(source: ArraySource, *, seed: int = 0) -> tuple[ArraySource, ArraySource]:
    """A labelled set in two, at random: five sixths to train on, and the rest."""
    order = np.random.default_rng(seed).permutation(len(source))
    held_out, training = np.split(order, [len(source) // 6])
    return ArraySource(source[training]), ArraySource(source[held_out])


def train_classifier(
    training: ArraySource,
    held_out: ArraySource,
    *,
    widths: tuple[int, int] = (32, 64),
    num_features: int = 64,
    steps: int = 1000,
    batch_size: int = 128,
    max_shift: int = 0,
    max_degrees: float = 0.0,
    seed: int = 0,
) -> Classifier:
    """Trains on labelled images, and measures the accuracy on others.

    Adam(1e-3) with cosine decay to 0.

    Args:
        training: with ``image`` uint8 and integer ``label``.
        held_out: likewise.
        widths: of :class:`ConvClassifier`.
        num_features: of :class:`ConvClassifier`.
        steps: updates.
        batch_size: at most the training examples.
        max_shift: the images are moved at random by up to so many pixels.
        max_degrees: and turned by up to so many degrees.
        seed: of the initialisation, the order, and these changes.

    Raises:
        ValueError: a source holds no ``label``.
    """
    for source in (training, held_out):
        if "label" not in source.arrays:
            raise ValueError(
                f"a classifier needs 'label' beside 'image', the data hold {sorted(source.arrays)}"
            )
    batches = Batches(training, batch_size=min(batch_size, len(training)), seed=seed)
    network = ConvClassifier(int(training.arrays["label"].max()) + 1, widths, num_features)
    changes = [translate(max_shift=max_shift)] if max_shift else []
    changes += [rotate(max_degrees=max_degrees)] if max_degrees else []
    variables = _fit(network, batches, compose(*changes), seed, steps)
    classifier = Classifier(network, variables, 0.0, len(held_out))
    probabilities, _ = classifier.classify(pixels_to_real(held_out.arrays)["real"])
    accuracy = (probabilities.argmax(1) == held_out.arrays["label"]).mean()
    return classifier._replace(accuracy=float(accuracy))


def _fit(
    network: ConvClassifier, batches: Batches, augment_fn: AugmentFn, seed: int, steps: int
) -> dict:
    optimizer = optax.adam(optax.cosine_decay_schedule(1e-3, steps))
    key = jax.random.key(seed)

    @jax.jit
    def update(variables, opt_state, batch, step):
        def loss_fn(variables):
            dropout_key = jax.random.fold_in(key, step)
            images = pixels_to_real(batch)["real"][0]
            images = augment_fn(jax.random.fold_in(dropout_key, 1), images)
            rngs = {"dropout": dropout_key}
            logits, _ = network.apply(variables, images, train=True, rngs=rngs)
            losses = optax.softmax_cross_entropy_with_integer_labels(logits, batch["label"][0])
            return losses.mean()

        updates, opt_state = optimizer.update(jax.grad(loss_fn)(variables), opt_state)
        return optax.apply_updates(variables, updates), opt_state

    example = pixels_to_real(batches.source[:1])["real"]
    variables = network.init(key, example, train=False)
    opt_state = optimizer.init(variables)
    for step in tqdm(
        range(steps), desc="training the classifier that judges", leave=False, disable=None
    ):
        variables, opt_state = update(variables, opt_state, batches[step], jnp.int32(step))
    return variables


@partial(
    jax.jit, static_argnums=0
)  # here, so that each measurement finds what the first one compiled
def _read(network: ConvClassifier, variables: dict, images: jax.Array):
    logits, features = network.apply(variables, images, train=False)
    return jax.nn.softmax(logits), features


def _classify(network, variables, images, batch_size: int = 1000):
    parts = [
        _read(network, variables, images[start : start + batch_size])
        for start in range(0, len(images), batch_size)
    ]
    probabilities, features = zip(*parts, strict=True)
    return np.concatenate(probabilities), np.concatenate(features)
