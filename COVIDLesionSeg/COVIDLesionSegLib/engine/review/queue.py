"""Which slices a person should look at first: flagged ones, and those with the most in doubt.

What is in doubt is measured as an area, so that an uncertain border of a large lesion outweighs a
few uncertain pixels, and so that the sum over a CT is a volume by which cases can be sorted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..flags import Flag
from ..severity.report import SeverityReport
from ..steps import Steps, finish
from ..volume import AxialOrder, Geometry

HALF_WIDTH = 0.25
"""A probability this far from the threshold, or farther, is certain."""
LESION_WEIGHT = 0.1
"""Of a lesion without any doubt, against an area in doubt: a missed error there is larger."""
LEAST_MM2 = 50.0
"""Of need; a disc of 8 mm. Less is noise."""
SHARE = 0.1
"""Of the greatest need: what is less can wait."""
MOST = 12
"""Slices of one queue: a list that holds every slice leads nowhere."""
APART_MM = 5.0
"""Between two slices of the queue: its neighbours are seen on the way to a slice."""


@dataclass(frozen=True)
class SliceToReview:
    """One axial slice, and why to look at it.

    Attributes:
        index: As in :class:`~..severity.report.SliceSeverity`: 0 at the inferior end.
        position_mm: Position along the patient's superior axis (RAS S), in mm.
        uncertain_mm2: Area whose probability is near the threshold: a pixel at the threshold counts
            in full, one at :data:`HALF_WIDTH` from it not at all.
        disagreement_mm2: Area on which the members of an ensemble disagree: a pixel counts by their
            disagreement. None with a single model.
        lesion_mm2: Area of all lesions.
        flags: Codes of the quality flags that name the slice.
        largest: Whether no other slice has more lesion.
        confidence: As in :class:`~..severity.report.SliceSeverity`.
    """

    index: int
    position_mm: float
    uncertain_mm2: float
    disagreement_mm2: float | None
    lesion_mm2: float
    flags: tuple[str, ...] = ()
    largest: bool = False
    confidence: float | None = None

    @property
    def doubt_mm2(self) -> float:
        """Area in doubt, for either reason."""
        return self.uncertain_mm2 + (self.disagreement_mm2 or 0.0)

    @property
    def need_mm2(self) -> float:
        """What the queue is sorted by, after flags."""
        return self.doubt_mm2 + LESION_WEIGHT * self.lesion_mm2


def measure_slices_in_steps(
    probability: npt.NDArray[np.float32],
    threshold: float,
    geometry: Geometry,
    severity: SeverityReport,
    flags: Iterable[Flag] = (),
    disagreement: npt.NDArray[np.float32] | None = None,
) -> Steps[tuple[SliceToReview, ...]]:
    """Every axial slice with lung, from inferior to superior; a step for each.

    Args:
        probability: Of lesion, 0 to 1, (k, j, i); 0 outside the lungs.
        threshold: Above which a voxel is lesion.
        geometry: The grid of the arrays.
        severity: Severity of the same prediction.
        flags: Quality flags of the same prediction.
        disagreement: Of an ensemble's members, 0 to 1, (k, j, i).
    """
    order = AxialOrder.of(geometry)
    _, height, width = order.axial_spacing(geometry)
    half_width = min(HALF_WIDTH, threshold, 1.0 - threshold)
    axial = order.to_axial(probability)
    disputed = None if disagreement is None else order.to_axial(disagreement)
    most = max((slice_.lesion_mm2 for slice_ in severity.slices), default=0.0)
    codes: dict[int, list[str]] = {}
    for flag in flags:
        for index in flag.slices:
            codes.setdefault(index, []).append(flag.code)
    found = []
    for slice_ in severity.slices:
        distance = np.abs(axial[slice_.index] - np.float32(threshold))
        near = np.maximum(np.float32(1.0) - distance / np.float32(half_width), np.float32(0.0))
        votes = None if disputed is None else _sum(disputed[slice_.index]) * height * width
        found.append(
            SliceToReview(
                index=slice_.index,
                position_mm=slice_.position_mm,
                uncertain_mm2=_sum(near) * height * width,
                disagreement_mm2=votes,
                lesion_mm2=slice_.lesion_mm2,
                flags=tuple(codes.get(slice_.index, ())),
                largest=0.0 < slice_.lesion_mm2 == most,
                confidence=slice_.confidence,
            )
        )
        yield
    return tuple(found)


def measure_slices(
    probability: npt.NDArray[np.float32],
    threshold: float,
    geometry: Geometry,
    severity: SeverityReport,
    flags: Iterable[Flag] = (),
    disagreement: npt.NDArray[np.float32] | None = None,
) -> tuple[SliceToReview, ...]:
    """What :func:`measure_slices_in_steps` gives, at once.

    Args:
        probability, threshold, geometry, severity, flags, disagreement: As for that function.
    """
    steps = measure_slices_in_steps(probability, threshold, geometry, severity, flags, disagreement)
    return finish(steps)


class ReviewQueue(NamedTuple):
    """What a person should look at.

    Attributes:
        slices: In order.
        left_out: How many others are flagged or in doubt, but not worth a look before these.
    """

    slices: tuple[SliceToReview, ...]
    left_out: int


def review_queue(slices: Sequence[SliceToReview], apart_mm: float = APART_MM) -> ReviewQueue:
    """The slices to look at: flagged ones first, and each by its need.

    Listed are slices that a quality flag names, the one with the largest lesion, and others whose
    need is at least :data:`SHARE` of the greatest; at most :data:`MOST` in all. Of slices that lie
    closer than ``apart_mm`` the one with the greatest need stands for all.
    """
    worth = [
        slice_
        for slice_ in slices
        if slice_.flags or slice_.largest or slice_.need_mm2 >= LEAST_MM2
    ]
    worth.sort(key=lambda one: (bool(one.flags), one.need_mm2), reverse=True)
    least = SHARE * max((slice_.need_mm2 for slice_ in worth), default=0.0)
    chosen: list[SliceToReview] = []
    room = MOST - sum(slice_.largest for slice_ in worth)  # its place is kept
    for slice_ in worth:
        near = (abs(slice_.position_mm - other.position_mm) < apart_mm for other in chosen)
        if slice_.largest:
            chosen.append(slice_)
        elif room > 0 and (slice_.flags or slice_.need_mm2 >= least) and not any(near):
            chosen.append(slice_)
            room -= 1
    return ReviewQueue(tuple(chosen), len(worth) - len(chosen))


def doubt_ml(slices: Iterable[SliceToReview], geometry: Geometry) -> float:
    """Volume in doubt of a whole CT, in ml, given all its slices."""
    thickness, _, _ = AxialOrder.of(geometry).axial_spacing(geometry)
    return sum(slice_.doubt_mm2 for slice_ in slices) * thickness / 1000.0


def _sum(array: npt.NDArray[np.float32]) -> float:
    return float(array.sum(dtype=np.float64))
