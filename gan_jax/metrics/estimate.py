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

    def __str__(self) -> str:
        """The value with four digits, and the error with two where there is one."""
        error = "" if self.standard_error is None else f" +- {self.standard_error:.2g}"
        return f"{self.value:.4g}{error}"
