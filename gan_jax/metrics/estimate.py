"""A figure and how uncertain it is."""

from typing import NamedTuple


class Estimate(NamedTuple):
    """A figure of a finite sample.

    Attributes:
        value: in the unit of the estimator.
        standard_error: of the value, in the same unit; None where the estimator gives none.
    """

    value: float
    standard_error: float | None = None
