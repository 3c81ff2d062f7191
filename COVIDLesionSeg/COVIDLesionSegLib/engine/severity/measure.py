"""Volumes and shares of infected lung, measured on label arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..labels import BOTH_LUNGS, LUNG_LABELS
from ..volume import AxialOrder, Geometry
from .lesions import Confidence, measure_lesions
from .report import RegionSeverity, SeverityReport, SliceSeverity
from .rules import pooled, slice_mean, without_lesions, worse_lung

_LUNGS = (
    *((name, (label,)) for name, label in LUNG_LABELS.items()),
    (BOTH_LUNGS, tuple(LUNG_LABELS.values())),
)


Vote = tuple[int | None, float | None]
"""Pixels of a slice that any member of an ensemble calls lesion, and their mean disagreement."""


def measure_severity(
    lungs: np.ndarray,
    lesions: np.ndarray,
    classes: tuple[str, ...],
    geometry: Geometry,
    disagreement: np.ndarray | None = None,
    lesion_free_ml: float = 0.0,
    confidence: Confidence | None = None,
) -> SeverityReport:
    """Measure severity on the CT's own grid.

    Args:
        lungs: uint8 (k, j, i): 1 right lung, 2 left lung, lesions included.
        lesions: uint8 (k, j, i): n + 1 for ``classes[n]``. Lesion voxels outside the lungs do not
            count.
        classes: Names of the lesion classes.
        geometry: The grid of all arrays.
        disagreement: float32 (k, j, i), of an ensemble's members; None with a single model.
        lesion_free_ml: With no more lesion than this in both lungs, in ml, every rule says CT-0
            where it would say CT-1; see :attr:`.report.SeverityReport.lesion_free`.
        confidence: What that of slices and lesions is computed from; None without calibration.
    """
    order = AxialOrder.of(geometry)
    counts = _counts(order.to_axial(lungs), order.to_axial(lesions), len(classes))
    regions = tuple(
        _region(name, counts[:, labels].sum(axis=(0, 1)), classes, geometry.voxel_volume_ml)
        for name, labels in _LUNGS
    )
    votes: list[Vote] = [(None, None)] * len(counts)
    if disagreement is not None:
        votes = _votes(order.to_axial(lesions), order.to_axial(disagreement))
    measured = measure_lesions(lungs, lesions, geometry, confidence)
    slices = _slices(counts, classes, votes, measured.slices, order, geometry)
    right, left, both = regions
    rules = [worse_lung(right, left), slice_mean(slices), pooled(both)]
    report = SeverityReport(regions, slices, tuple(rules), lesion_free_ml, measured.lesions)
    if not report.lesion_free:
        return report
    return replace(report, rules=tuple(without_lesions(rule) for rule in rules))


def _counts(lungs: np.ndarray, lesions: np.ndarray, classes: int) -> np.ndarray:
    """Voxels by axial slice, lung label (0 to 2) and lesion label (0 is lung without lesion).

    One slice at a time: a count over the whole CT would need 10 bytes more for every voxel.
    """
    counts = np.empty((len(lungs), 3, classes + 1), dtype=np.int64)
    for counted, lung, lesion in zip(counts, lungs, lesions, strict=True):
        combined = lung.astype(np.intp) * (classes + 1) + lesion
        counted[:] = np.bincount(combined.ravel(), minlength=counted.size).reshape(counted.shape)
    return counts


def _region(
    name: str, counts: np.ndarray, classes: tuple[str, ...], voxel_ml: float
) -> RegionSeverity:
    lung, lesion = int(counts.sum()), int(counts[1:].sum())
    return RegionSeverity(
        region=name,
        lung_ml=lung * voxel_ml,
        lesion_ml=lesion * voxel_ml,
        ratio=lesion / lung if lung else None,
        lesion_class_ml={c: int(n) * voxel_ml for c, n in zip(classes, counts[1:], strict=True)},
    )


def _votes(lesions: np.ndarray, disagreement: np.ndarray) -> list[Vote]:
    votes: list[Vote] = []
    for labels, values in zip(lesions, disagreement, strict=True):
        voted = values[(labels > 0) | (values > 0)]
        mean = float(voted.mean(dtype=np.float64)) if voted.size else None
        votes.append((voted.size, mean))
    return votes


def _slices(
    counts: np.ndarray,
    classes: tuple[str, ...],
    votes: list[Vote],
    confidences: dict[int, float],
    order: AxialOrder,
    geometry: Geometry,
) -> tuple[SliceSeverity, ...]:
    _, height, width = order.axial_spacing(geometry)
    lung_pixels = counts[:, 1:].sum(axis=(1, 2))
    class_pixels = counts[:, 1:, 1:].sum(axis=1)
    lesion_pixels = class_pixels.sum(axis=1)
    pixel_mm2 = height * width
    return tuple(
        SliceSeverity(
            index=int(index),
            position_mm=position,
            lung_mm2=float(lung_pixels[index] * pixel_mm2),
            lesion_mm2=float(lesion_pixels[index] * pixel_mm2),
            ratio=float(lesion_pixels[index] / lung_pixels[index]),
            lesion_class_mm2={
                name: float(pixels * pixel_mm2)
                for name, pixels in zip(classes, class_pixels[index], strict=True)
            },
            voted_mm2=None if voted is None else voted * pixel_mm2,
            disagreement=disagreement,
            confidence=confidences.get(int(index)),
        )
        for index, (position, (voted, disagreement)) in enumerate(
            zip(superior_positions(order, geometry), votes, strict=True)
        )
        if lung_pixels[index]
    )


def superior_positions(order: AxialOrder, geometry: Geometry) -> list[float]:
    """RAS S in mm of every axial slice's centre, inferior to superior."""
    return [float(s) for s in order.slice_centres(geometry)[:, 2]]
