"""Whether probabilities are what they say: reliability, and a temperature that mends it.

Source: Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017:
temperature scaling, expected calibration error.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

from ..metrics.overlap import ProbabilityHistogram
from ..models.calibration import Calibration, ReliabilityBin

BINS = 10
_TEMPERATURES = (0.1, 10.0)


def fit_temperature(histogram: ProbabilityHistogram) -> float | None:
    """The number that logits are divided by, so that the pixels' truth is the most likely.

    None where there is no lesion, or nothing else.
    """
    probability, (negatives, positives) = histogram.probability, histogram.counts
    if not negatives.sum() or not positives.sum():
        return None
    logits, total = logit(probability), histogram.counts.sum()

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        # -log of the probability of the truth, without overflow
        wrong = negatives * np.logaddexp(0, scaled) + positives * np.logaddexp(0, -scaled)
        return float(wrong.sum() / total)

    low, high = np.log(_TEMPERATURES)
    return float(np.exp(minimize_scalar(loss, bounds=(low, high), method="bounded").x))


def reliability(
    histogram: ProbabilityHistogram, temperature: float = 1.0
) -> tuple[ReliabilityBin, ...]:
    """Bins of a reliability diagram after logits were divided by ``temperature``; no empty ones."""
    probability = expit(logit(histogram.probability) / temperature)
    negatives, positives = histogram.counts
    numbers = np.minimum((probability * BINS).astype(int), BINS - 1)
    bins = []
    for number in range(BINS):
        inside = numbers == number
        lesion, pixels = positives[inside].sum(), histogram.counts[:, inside].sum()
        if pixels:
            weights = (negatives + positives)[inside]
            mean = float((probability[inside] * weights).sum() / pixels)
            bins.append(ReliabilityBin(mean, float(lesion / pixels), int(pixels)))
    return tuple(bins)


def calibration_error(bins: tuple[ReliabilityBin, ...]) -> float:
    """Expected calibration error, 0 to 1: mean over pixels of |probability - frequency|."""
    total = sum(one.pixels for one in bins)
    return sum(one.pixels * abs(one.probability - one.frequency) for one in bins) / total


def calibrate(histogram: ProbabilityHistogram, data: str) -> Calibration | None:
    """The calibration of pixels of held-out patients; None where only one kind of pixel is there.

    Args:
        histogram: Pixels by uncalibrated probability and truth.
        data: Whose, for the card.
    """
    temperature = fit_temperature(histogram)
    if temperature is None:
        return None
    temperature = round(temperature, 3)
    after = reliability(histogram, temperature)
    return Calibration(
        temperature,
        round(calibration_error(reliability(histogram)), 5),
        round(calibration_error(after), 5),
        tuple(
            ReliabilityBin(round(one.probability, 4), round(one.frequency, 4), one.pixels)
            for one in after
        ),
        data,
    )
