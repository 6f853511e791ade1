"""The 1,797 handwritten digits inside scikit-learn: real data with no download."""

import numpy as np

from gan_jax.data.arrays import ArraySource


def digits() -> ArraySource:
    """8x8 grey images of the digits 0 to 9.

    Returns:
        ``image`` uint8 ``[1797, 8, 8, 1]`` (the 17 grey levels 0..16 of the set, stretched to
        0..255) and ``label`` int32 ``[1797]``, named 0 to 9.

    References:
        Alpaydin and Kaynak 1998, UCI "Optical Recognition of Handwritten Digits" (its test set).
    """
    from sklearn.datasets import load_digits  # a second of import that other data need not pay

    loaded = load_digits()
    images = np.rint(loaded.images * (255 / 16)).astype(np.uint8)
    arrays = {"image": images[..., None], "label": loaded.target.astype(np.int32)}
    return ArraySource(arrays, names={"label": tuple("0123456789")})
