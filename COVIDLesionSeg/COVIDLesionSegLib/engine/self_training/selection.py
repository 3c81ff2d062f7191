"""Which predictions a model is fine-tuned on: the most confident, by the paper's rule or by ours.

Source: N. Enshaei et al., "COVID-rate: an automated framework for segmentation of COVID-19 lesions
from chest CT images", Scientific Reports 12:3212, 2022, Methods, "Unsupervised enhancement", where
confidence is called certainty index. Values of 25 % and 0.9 were chosen by the authors for their
data and network. AMC-Net, which was trained with a focal loss, is less confident: 0.55 to 0.66 on
14 slices of coronacases 010.

Ours, and the default for calibrated models: confidence is the expected precision, see
:mod:`~..severity.lesions`, which means the same for every network. The minimum of 0.8 was chosen on
held-out patients, see docs/training-data.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import ParameterError
from ..models.card import ModelCard

CUT_OFF = 0.3
"""Lesion is where the probability is above (the authors' published code; the paper gives none)."""
TOP_FRACTION = 0.25
MIN_CONFIDENCE = 0.9
MIN_EXPECTED_PRECISION = 0.8
EXPECTED_PRECISION, CERTAINTY_INDEX = "expected-precision", "certainty-index"
EVEN_CHANCE = 0.5
"""Lesion is where a calibrated probability is above."""


@dataclass(frozen=True)
class ConfidenceMeasure:
    """How the confidence of a predicted slice is measured.

    Attributes:
        name: Name of the rule.
        cut_off: Lesion, and the pseudo-label, is where the probability is above.
        confidence: Confidence from the probabilities above it.
        minimum: Smallest confidence of a selected slice, unless another is asked for.
    """

    name: str
    cut_off: float
    confidence: Callable[[np.ndarray], np.ndarray]
    minimum: float

    def of(self, probability: np.ndarray) -> float | None:
        """Confidence, 0 to 1, of one slice; None where no lesion is found."""
        above = probability[probability > self.cut_off]
        return float(self.confidence(above).mean(dtype=np.float64)) if above.size else None


THE_PAPERS = ConfidenceMeasure(CERTAINTY_INDEX, CUT_OFF, lambda above: above, MIN_CONFIDENCE)
"""Certainty index: mean probability of the pixels above the cut-off (Equation 1), 0.3 to 1. Where
no pixel is above, the authors' code gives 0."""


def measure_for(card: ModelCard, name: str | None = None) -> ConfidenceMeasure:
    """A measure by its name; by default expected precision for calibrated models, else the paper's.

    Raises:
        ParameterError: Expected precision is asked for, but the model is not calibrated.
    """
    calibration = card.calibration
    if calibration is None or not calibration.bins:
        if name == EXPECTED_PRECISION:
            raise ParameterError(
                f"Model {card.id} is not calibrated, so its expected precision is not known: "
                f"choose the selection {CERTAINTY_INDEX}, or a calibrated model."
            )
        return THE_PAPERS
    if name == CERTAINTY_INDEX:
        return THE_PAPERS
    return ConfidenceMeasure(
        EXPECTED_PRECISION, EVEN_CHANCE, calibration.frequency, MIN_EXPECTED_PRECISION
    )


def most_confident(
    confidences: Sequence[float | None],
    fraction: float = TOP_FRACTION,
    minimum: float = MIN_CONFIDENCE,
) -> list[int]:
    """Indices of the top fraction of slices, the most confident first, above a minimum.

    The fraction is never exceeded: of fewer than four slices no quarter is selected. Slices without
    lesion count in it, but are never selected. Of equally confident slices the earlier comes first.
    The paper leaves these open.

    Args:
        confidences: See :class:`ConfidenceMeasure`; of every slice.
        fraction: Share of all slices, 0 to 1.
        minimum: Smallest confidence of a selected slice.
    """
    found = [(value, n) for n, value in enumerate(confidences) if value is not None]
    ranked = sorted(found, key=lambda one: -one[0])
    top = ranked[: _most(fraction, len(confidences))]
    return [n for value, n in top if value >= minimum]


def what_to_change(
    confidences: Sequence[float | None], fraction: float, minimum: float, measure: ConfidenceMeasure
) -> str:
    """What to do so that something is selected, as the end of a sentence.

    Args:
        confidences: Confidence of every slice.
        fraction, minimum: With which :func:`most_confident` selected nothing.
        measure: Measure of confidence.
    """
    found = sorted((value for value in confidences if value is not None), reverse=True)
    if not found:
        return "choose CTs in which the model finds lesions"
    most = _most(fraction, len(confidences))
    if not most:
        return (
            f"raise the fraction that is chosen, as {fraction:g} of {len(confidences)} slices is "
            "not one, or add CTs"
        )
    top = found[:most]
    lower = math.floor(100 * top[-1]) / 100
    slices = "slice" if len(top) == 1 else f"{len(top)} slices"
    return (
        f"lower the minimum confidence ({measure.name}) from {minimum:g} to {lower:g} to learn "
        f"from the most confident {slices}"
    )


def _most(fraction: float, number: int) -> int:
    """The largest number of slices that is no more than the fraction of all."""
    return math.floor(fraction * number + 1e-9)  # 0.29 of 100 is 29, whatever the last bit says
