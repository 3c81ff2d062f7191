"""How the members of an ensemble differ, so that they do not all make the same mistakes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ParameterError

_STEPS = {"learning_rate": 0.6180339887, "dropout": 0.4142135624}
"""Irrational, so that however many members there are, no two get nearly the same value."""


@dataclass(frozen=True)
class Members:
    """What each member of a cross-validation has of its own; by default nothing but its patients.

    The EAMC paper (section 2.2) lets members differ in initialisation, learning rate and dropout,
    and gives no numbers.

    Attributes:
        seeds: Every member has its own seed: of its first weights, samples and dropout.
        learning_rate: Range that members' learning rates are spread over, evenly in their
            logarithm; None for the recipe's.
        dropout: Range that members' dropout is spread over; None for the recipe's.

    Raises:
        ParameterError: A range is empty or out of bounds.
    """

    seeds: bool = False
    learning_rate: tuple[float, float] | None = None
    dropout: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for name, allowed in (("learning_rate", "above 0 and below 1"), ("dropout", "0 to 0.9")):
            low, high = getattr(self, name) or (0.5, 0.5)
            within = 0 < low <= high < 1 if name == "learning_rate" else 0 <= low <= high <= 0.9
            if not within:
                raise ParameterError(
                    f"The recipe's members.{name} is [{low}, {high}], but must be a range, lowest "
                    f"first, of numbers {allowed}."
                )

    def seed(self, seed: int, number: int) -> int:
        """The seed of member ``number``, from 1, of a recipe with ``seed``."""
        return int(np.random.default_rng((seed, number)).integers(2**32)) if self.seeds else seed

    def learning_rate_of(self, seed: int, number: int) -> float | None:
        """The learning rate of member ``number``, three digits of it; None for the recipe's."""
        if self.learning_rate is None:
            return None
        low, high = np.log(self.learning_rate)
        return float(f"{np.exp(low + (high - low) * _place('learning_rate', seed, number)):.3g}")

    def dropout_of(self, seed: int, number: int) -> float | None:
        """The dropout of member ``number``, three decimals of it; None for the recipe's."""
        if self.dropout is None:
            return None
        low, high = self.dropout
        return round(low + (high - low) * _place("dropout", seed, number), 3)


def _place(name: str, seed: int, number: int) -> float:
    """Where in its range a member's value lies, 0 to 1."""
    first = float(np.random.default_rng((seed, 0)).random())
    return (first + number * _STEPS[name]) % 1.0
