"""Data sets of tuples as sources."""

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import Rows, in_memory

PAIRS = [(Image.new("L", (4, 2), color=i), i) for i in range(6)]


def test_values_get_names():
    source = Rows(PAIRS, fields=("image", "label"))
    assert len(source) == 6 and source[np.int64(5)]["label"] == 5
    assert source[3]["image"].shape == (2, 4) and source[3]["image"].max() == 3
    np.testing.assert_array_equal(in_memory(source).arrays["label"], np.arange(6))


@pytest.mark.parametrize(
    ("dataset", "fields", "message"),
    [
        (PAIRS, ("image",), "1 values, for image; example 0 is a tuple of 2"),
        (PAIRS, "image", "different names"),
        (PAIRS, ("a", "a"), "different names"),
        ([], ("image", "label"), "empty"),
        ([{"image": 1}], ("image",), "of type dict"),
    ],
)
def test_what_does_not_fit_is_said(dataset, fields, message):
    with pytest.raises(ValueError, match=message):
        Rows(dataset, fields=fields)
