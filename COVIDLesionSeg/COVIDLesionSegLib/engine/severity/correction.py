"""What a correction changed: volumes added and removed, agreement, and the severity after it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..labels import LUNG_LABELS
from ..lesions import corrected_lungs
from ..metrics.overlap import Confusion
from ..volume import AxialOrder, Geometry
from .measure import measure_severity
from .report import LesionSeverity, SeverityReport

Index = tuple[int, int, int]
"""Along k, j, i."""
_ROUNDED_MM = 0.11
"""By which equal centres may differ once each is rounded to a tenth of a mm, and a little more."""


@dataclass(frozen=True)
class LabelBox:
    """Labels inside a box of the CT's grid; there are none outside it.

    Attributes:
        voxels: Unsigned or signed integers, shape (k, j, i) of the box.
        start: Index on the CT's grid of the first voxel.
        labels: Label that each value of ``voxels`` stands for; other values stand for nothing.
        state: Two boxes of the same state have the same voxels; None if nobody knows.
    """

    voxels: npt.NDArray[Any]
    start: Index
    labels: dict[int, int]
    state: str | None = None

    def mask(self, part: Any = ...) -> npt.NDArray[np.bool_]:
        """Where it, or a part of its voxels, holds any of its labels; bool, of the part's shape."""
        return np.isin(self.voxels[part], list(self.labels))


@dataclass(frozen=True)
class LabelledCT:
    """Lungs and lesions of a CT. Where boxes overlap, the later one counts.

    Attributes:
        lungs: Labels 1 right lung, 2 left lung.
        lesions: Label n + 1 for class n.
    """

    lungs: Sequence[LabelBox]
    lesions: Sequence[LabelBox]


@dataclass(frozen=True)
class SegmentChange:
    """One lung or lesion class, before and after.

    Attributes:
        name: As in the severity report.
        before_ml, after_ml: Its volume.
        added_ml: What only the corrected segment has.
        removed_ml: What only the original has.
        dice: Agreement of both, 0 to 1; None where both are empty.
    """

    name: str
    before_ml: float
    after_ml: float
    added_ml: float
    removed_ml: float
    dice: float | None

    @property
    def changed(self) -> bool:
        return bool(self.added_ml or self.removed_ml)


@dataclass(frozen=True)
class Correction:
    """A corrected segmentation, compared with the original.

    Attributes:
        changes: Right lung, left lung, then every lesion class.
        severity: Of the corrected lungs and lesions.
    """

    changes: tuple[SegmentChange, ...]
    severity: SeverityReport

    @property
    def changed(self) -> bool:
        """Whether any voxel differs."""
        return any(change.changed for change in self.changes)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; what is undefined is None."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Correction:
        """The inverse of :meth:`to_dict`, also after a trip through JSON."""
        return cls(
            changes=tuple(SegmentChange(**change) for change in values["changes"]),
            severity=SeverityReport.from_dict(values["severity"]),
        )


def measure_correction(
    before: LabelledCT,
    after: LabelledCT,
    classes: tuple[str, ...],
    geometry: Geometry,
    original: SeverityReport,
    graded: bool = True,
) -> Correction:
    """Compare a corrected segmentation with the original, and measure its severity.

    Only the part of the grid that holds something is looked at.

    Args:
        before: As the run gave it.
        after: As corrected.
        classes: Names of the lesion classes.
        geometry: The CT's grid.
        original: Severity of the run; returned as it is where no voxel differs. How much the
            members of its ensemble disagree on a slice stays true after a correction; confidence
            stays where the slice, or the lesion, is as the run gave it.
        graded: False where the severity means nothing, as of an untrained network.
    """
    start, shape = _union(before, after)
    grid = geometry.cropped(start, shape)
    lungs = [paint(one.lungs, start, shape) for one in (before, after)]
    lesions = [paint(one.lesions, start, shape) for one in (before, after)]
    lungs[1] = corrected_lungs(lungs[1], lesions[1], lungs[0], lesions[0])
    changes = tuple(
        _change(name, was == label, now == label, geometry.voxel_volume_ml)
        for (was, now), names in (
            (lungs, LUNG_LABELS),
            (lesions, {name: label for label, name in enumerate(classes, start=1)}),
        )
        for name, label in names.items()
    )
    if not any(change.changed for change in changes):
        return Correction(changes, original)
    lesions_changed = any(change.changed and change.name in classes for change in changes)
    severity = measure_severity(
        lungs[1],
        lesions[1],
        classes,
        grid,
        lesion_free_ml=lesion_free_after(original, lesions_changed),
    )
    differs = (lungs[0] != lungs[1]) | (lesions[0] != lesions[1])
    edited = np.asarray(AxialOrder.of(geometry).to_axial(differs).any(axis=(1, 2)))
    severity = _on_whole_grid(severity, geometry, start, shape, original, edited)
    return Correction(changes, severity if graded else severity.ungraded())


def lesion_free_after(original: SeverityReport, lesions_changed: bool) -> float:
    """Volume up to which a corrected CT counts as free of lesions, in ml.

    What a person drew or left counts, however small it is.

    Args:
        original: Severity of the run.
        lesions_changed: Whether lesions were corrected, and not the lungs alone.
    """
    return 0.0 if lesions_changed else original.lesion_free_ml


def _union(*parts: LabelledCT) -> tuple[Index, Index]:
    """First voxel and shape of the smallest box that holds all boxes; of one voxel if none does."""
    boxes = [box for part in parts for box in (*part.lungs, *part.lesions) if box.voxels.size]
    if not boxes:
        return (0, 0, 0), (1, 1, 1)
    start = np.min([box.start for box in boxes], axis=0)
    stop = np.max([np.add(box.start, box.voxels.shape) for box in boxes], axis=0)
    k, j, i = (int(n) for n in start)
    depth, height, width = (int(n) for n in stop - start)
    return (k, j, i), (depth, height, width)


def paint(boxes: Iterable[LabelBox], start: Index, shape: Index) -> npt.NDArray[np.uint8]:
    """The labels of boxes in a part of the grid that holds all of them, 0 elsewhere.

    Args:
        boxes: Where they overlap, the later one counts.
        start: Index on the CT's grid of the first voxel of that part.
        shape: Shape of that part, (k, j, i).
    """
    painted = np.zeros(shape, np.uint8)
    for box in boxes:
        inside = tuple(
            slice(first - origin, first - origin + length)
            for first, origin, length in zip(box.start, start, box.voxels.shape, strict=True)
        )
        for value, label in box.labels.items():
            painted[inside][box.voxels == value] = label
    return painted


def _change(
    name: str, before: npt.NDArray[np.bool_], after: npt.NDArray[np.bool_], voxel_ml: float
) -> SegmentChange:
    counts = Confusion.of(after, before)
    return SegmentChange(
        name=name,
        before_ml=(counts.tp + counts.fn) * voxel_ml,
        after_ml=(counts.tp + counts.fp) * voxel_ml,
        added_ml=counts.fp * voxel_ml,
        removed_ml=counts.fn * voxel_ml,
        dice=counts.dice,
    )


def _on_whole_grid(
    severity: SeverityReport,
    geometry: Geometry,
    start: Index,
    shape: Index,
    original: SeverityReport,
    edited: npt.NDArray[np.bool_],
) -> SeverityReport:
    """Number the slices of a part of the grid as those of the whole grid.

    What only the run knows is taken from ``original``, confidence only for slices that are not
    ``edited``, which has an entry for each slice of the part.
    """
    order = AxialOrder.of(geometry)
    axis = order.permutation[0]
    below = start[axis]
    if order.flips[0]:
        below = geometry.shape[axis] - start[axis] - shape[axis]
    of_run = {slice_.index: slice_ for slice_ in original.slices}
    slices = []
    for slice_ in severity.slices:
        placed = replace(slice_, index=slice_.index + below)
        if run := of_run.get(placed.index):
            placed = replace(
                placed,
                voted_mm2=run.voted_mm2,
                disagreement=run.disagreement,
                confidence=None if edited[slice_.index] else run.confidence,
            )
        slices.append(placed)
    lesions = []
    for lesion in severity.lesions:
        first, last = lesion.slices
        moved = replace(
            lesion,
            slices=(first + below, last + below),
            largest_slice=lesion.largest_slice + below,
        )
        same = next((lesion for lesion in original.lesions if _is_same(lesion, moved)), None)
        lesions.append(replace(moved, confidence=None if same is None else same.confidence))
    whole = replace(severity, slices=tuple(slices), lesions=tuple(lesions))
    return whole.without_slices(original.slices_not_segmented)


def _is_same(one: LesionSeverity, other: LesionSeverity) -> bool:
    """Whether two lesions of one CT are the same; their centres are rounded to a tenth of a mm."""
    return (
        one.region == other.region
        and one.lesion_ml == other.lesion_ml
        and one.slices == other.slices
        and one.largest_slice == other.largest_slice
        and np.allclose(one.centre_lps_mm, other.centre_lps_mm, rtol=0, atol=_ROUNDED_MM)
    )
