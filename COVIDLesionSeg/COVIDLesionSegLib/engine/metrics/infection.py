"""Infection rate of slices, the share of the lung's area that is lesion, and infected slices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from ..labels import LEFT_LUNG, RIGHT_LUNG
from ..text import percent

SMALL_LESIONS_BELOW = 0.015
"""COVID-Rate, Table 3: slices below are group A, above group B. The bound itself counts as B."""
INFECTED_ABOVE = 0.005
"""COVID-Rate: a slice counts as infected only above, so that specks do not decide."""
_SIDES = {RIGHT_LUNG: "right", LEFT_LUNG: "left"}


def infection_rate(lesion: np.ndarray, lungs: np.ndarray) -> float | None:
    """Area of lesion within the lungs over the area of the lungs, 0 to 1; None without lung.

    Args:
        lesion: bool.
        lungs: Non-zero in the lungs, lesions included; same shape.
    """
    inside = lungs > 0
    area = np.count_nonzero(inside)
    return float(np.count_nonzero(lesion & inside) / area) if area else None


@dataclass(frozen=True)
class Involvement:
    """Which lungs of a slice show lesion, and how much of them.

    Attributes:
        side: ``"right"``, ``"left"``, ``"bilateral"``, or ``"none"`` without lesion.
        rate: Share of the involved lung that is lesion, of both lungs where both are involved;
            0 without lesion.
    """

    side: str
    rate: float


def involvement(lesion: np.ndarray, lungs: np.ndarray) -> Involvement | None:
    """Infection rate of the involved lung or lungs (COVID-Rate, Figure 5); None without lung.

    Where only one lung shows lesion, its area is the whole, not that of both lungs.

    Args:
        lesion: bool.
        lungs: 1 in the right lung, 2 in the left one; same shape.
    """
    if not lungs.any():
        return None
    involved = [label for label in (RIGHT_LUNG, LEFT_LUNG) if np.any(lesion & (lungs == label))]
    if not involved:
        return Involvement("none", 0.0)
    side = "bilateral" if len(involved) > 1 else _SIDES[involved[0]]
    rate = infection_rate(lesion, np.isin(lungs, involved))
    return None if rate is None else Involvement(side, rate)


def rate_error(true_rates: Sequence[float], predicted_rates: Sequence[float]) -> float | None:
    """Mean absolute error of infection rates, slice by slice; None without a slice."""
    if not true_rates:
        return None
    return fmean(
        abs(first - second) for first, second in zip(true_rates, predicted_rates, strict=True)
    )


def rate_correlation(true_rates: Sequence[float], predicted_rates: Sequence[float]) -> float | None:
    """Pearson correlation of infection rates, -1 to 1; None where one of them never changes."""
    if len(true_rates) < 2 or np.ptp(true_rates) == 0 or np.ptp(predicted_rates) == 0:
        return None
    from scipy.stats import pearsonr  # rules for slices are in the panel, which loads no SciPy

    return float(pearsonr(true_rates, predicted_rates).statistic)


def any_pixel(lesion: float) -> bool:
    """Cascade, section 2.4: positive if at least one pixel is called lesion, p > 0.5.

    Args:
        lesion: Number of such pixels in the slice, or their area.
    """
    return lesion > 0


def by_infection_rate(rate: float | None) -> bool | None:
    """COVID-Rate: infected if more than 0.005 of the lung's area is lesion; None without lung."""
    return None if rate is None else rate > INFECTED_ABOVE


@dataclass(frozen=True)
class SliceRule:
    """A published rule that calls a slice positive.

    Attributes:
        rule: Stable id.
        title: For people, with the source.
        positive: Decides by the lesion's pixels or area, and by the infection rate, 0 to 1 or None
            without lung; None where the rule says nothing.
    """

    rule: str
    title: str
    positive: Callable[[float, float | None], bool | None]


SLICE_RULES = (
    SliceRule(
        "cascade-any-pixel",
        "Any pixel (Qiblawey et al. 2021)",
        lambda lesion, rate: any_pixel(lesion),
    ),
    SliceRule(
        "covid-rate-infection-rate",
        f"More than {percent(INFECTED_ABOVE)} of the lungs (Enshaei et al. 2022)",
        lambda lesion, rate: by_infection_rate(rate),
    ),
)
