"""Whether probabilities are what they say: reliability, and a temperature and a bias that mend it.

Sources: Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017:
temperature, expected calibration error. Platt, "Probabilistic outputs for support vector machines",
1999: the bias beside it, which also moves what is called lesion at p > 0.5.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

from ..metrics.overlap import ProbabilityHistogram
from ..models.calibration import Calibration, ReliabilityBin

BINS = 10
_TEMPERATURES = (0.1, 10.0)
_BIASES = (-10.0, 10.0)


def fit(histogram: ProbabilityHistogram) -> tuple[float, float] | None:
    """Temperature and bias with which the pixels' truth is the most likely.

    None where there is no lesion, or nothing else.
    """
    logits, (negatives, positives) = logit(histogram.probability), histogram.counts
    if not negatives.sum() or not positives.sum():
        return None
    total = histogram.counts.sum()

    def loss(values: np.ndarray) -> float:
        scaled = logits / np.exp(values[0]) + values[1]
        # -log of the probability of the truth, without overflow
        wrong = negatives * np.logaddexp(0, scaled) + positives * np.logaddexp(0, -scaled)
        return float(wrong.sum() / total)

    found = minimize(loss, np.zeros(2), bounds=[tuple(np.log(_TEMPERATURES)), _BIASES])
    return float(np.exp(found.x[0])), float(found.x[1])


def reliability(
    histogram: ProbabilityHistogram, temperature: float = 1.0, bias: float = 0.0
) -> tuple[ReliabilityBin, ...]:
    """Bins of a reliability diagram; no empty ones.

    Args:
        histogram: Pixels by uncalibrated probability and truth.
        temperature: What logits are divided by.
        bias: What is added to them then.
    """
    probability = expit(logit(histogram.probability) / temperature + bias)
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
    total = sum(bin_.pixels for bin_ in bins)
    return sum(bin_.pixels * abs(bin_.probability - bin_.frequency) for bin_ in bins) / total


def calibrate(histogram: ProbabilityHistogram, data: str) -> Calibration | None:
    """The calibration of pixels of held-out patients; None where only one kind of pixel is there.

    Args:
        histogram: Pixels by uncalibrated probability and truth.
        data: Whose, for the card.
    """
    fitted = fit(histogram)
    if fitted is None:
        return None
    temperature, bias = (round(value, 3) for value in fitted)
    after = reliability(histogram, temperature, bias)
    return Calibration(
        temperature,
        bias,
        round(calibration_error(reliability(histogram)), 5),
        round(calibration_error(after), 5),
        tuple(
            ReliabilityBin(round(bin_.probability, 4), round(bin_.frequency, 4), bin_.pixels)
            for bin_ in after
        ),
        data,
    )
