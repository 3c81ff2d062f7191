"""How sure a score is, and how it is spread over patients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

_Z_95 = 1.96


def half_width(metric: float | None, count: int) -> float | None:
    """Half the width of the 95 % confidence interval: cascade Eq. 2, z sqrt(m (1 - m) / N).

    Args:
        metric: A score between 0 and 1.
        count: Number of test samples; in the paper, of slices.

    Returns:
        None where there is no score or no sample.
    """
    if metric is None or not count:
        return None
    return _Z_95 * math.sqrt(metric * (1.0 - metric) / count)


def mean_and_sd(values: Sequence[float | None]) -> tuple[float | None, float | None]:
    """Mean and sample standard deviation of the scores there are; None of too few."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None, stdev(known) if len(known) > 1 else None
