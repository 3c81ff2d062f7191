"""Agreement of infection rates and volumes with the expert's: correlation, and limits of it.

Sources: COVID-Rate (Enshaei et al., 2022), Figure 12: predicted against true infection rate of
infected slices, with Pearson's correlation. Limits of agreement: Bland and Altman, Lancet 1986;
327:307.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..metrics.infection import rate_correlation
from ..metrics.overlap import Value, mean_and_sd
from .counts import SliceCount

Pairs = list[tuple[float, float]]
"""The expert's value and the model's."""

_Z_95 = 1.96


@dataclass(frozen=True)
class LimitsOfAgreement:
    """How two measurements of the same agree; None where there are too few, or nothing varies.

    Attributes:
        count: Number of pairs.
        pearson: Correlation, -1 to 1.
        r_squared: Its square: the share of the variance that a straight line explains.
        bias: Mean of the model's less the expert's.
        lower, upper: Bland and Altman's limits of agreement: bias ± 1.96 standard deviations.
    """

    count: int
    pearson: Value
    r_squared: Value
    bias: Value
    lower: Value
    upper: Value


def limits_of_agreement(pairs: Pairs) -> LimitsOfAgreement:
    """Agreement of pairs, in their unit."""
    pearson = rate_correlation([true for true, _ in pairs], [found for _, found in pairs])
    bias, sd = mean_and_sd([found - true for true, found in pairs])
    limits: tuple[Value, Value] = (None, None)
    if bias is not None and sd is not None:
        limits = (bias - _Z_95 * sd, bias + _Z_95 * sd)
    return LimitsOfAgreement(
        count=len(pairs),
        pearson=pearson,
        r_squared=None if pearson is None else pearson**2,
        bias=bias,
        lower=limits[0],
        upper=limits[1],
    )


def rate_pairs(slices: Sequence[SliceCount]) -> Pairs:
    """Infection rates, 0 to 1, of the infected slices with lungs (COVID-Rate, Figure 12)."""
    return [
        (slice_.true_rate, slice_.predicted_rate)
        for slice_ in slices
        if slice_.infected and slice_.true_rate is not None and slice_.predicted_rate is not None
    ]


def volume_pairs(patients: dict[str, list[SliceCount]]) -> Pairs:
    """Volumes of lesion in ml of every CT; none where the size of voxels is not known."""
    volumes: dict[tuple[str, int], tuple[float, float]] = {}
    for patient, slices in patients.items():
        for slice_ in slices:
            if slice_.pixel_ml is not None:
                true, found = volumes.get((patient, slice_.image), (0.0, 0.0))
                volumes[patient, slice_.image] = (
                    true + (slice_.pixels.tp + slice_.pixels.fn) * slice_.pixel_ml,
                    found + (slice_.pixels.tp + slice_.pixels.fp) * slice_.pixel_ml,
                )
    return list(volumes.values())
