"""The calibration of a model's probabilities, as its card carries it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class ReliabilityBin:
    """The pixels whose probability lies in one tenth of 0 to 1.

    Attributes:
        probability: Their mean probability.
        frequency: Share of them that an expert marked as lesion, 0 to 1.
        pixels: Their number.
    """

    probability: float
    frequency: float
    pixels: int


@dataclass(frozen=True)
class Calibration:
    """What a network's logits are divided by and then moved by, and how well they hold after it.

    For networks of one channel.

    Attributes:
        temperature: Above 1 where the network was too sure.
        bias: Added to the divided logits: above 0 where the network called too little lesion.
        error_before, error_after: Expected calibration error, 0 to 1.
        bins: The reliability diagram after it.
        data: Whose pixels it was fitted and measured on: held-out patients.
    """

    temperature: float
    bias: float
    error_before: float
    error_after: float
    bins: tuple[ReliabilityBin, ...]
    data: str

    def frequency(self, probability: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """How often experts marked voxels of these calibrated probabilities as lesion, 0 to 1.

        Read off the reliability diagram: temperature and bias alone leave a difference. Straight
        lines join the bins; beyond the first and the last it is theirs.

        Raises:
            ValueError: The diagram has no bins.
        """
        bins = sorted(self.bins, key=lambda bin_: bin_.probability)
        return np.interp(
            np.asarray(probability, np.float64),
            [bin_.probability for bin_ in bins],
            [bin_.frequency for bin_ in bins],
        )
