"""Volumes and shares of infected lung, measured on label arrays."""

from __future__ import annotations

import numpy as np

from ..volume import AxialOrder, Geometry
from .report import RegionSeverity, SeverityReport, SliceSeverity
from .rules import pooled, slice_mean, worse_lung

_LUNGS = (("right lung", (1,)), ("left lung", (2,)), ("both lungs", (1, 2)))


def measure_severity(
    lungs: np.ndarray, lesions: np.ndarray, classes: tuple[str, ...], geometry: Geometry
) -> SeverityReport:
    """Measure severity on the CT's own grid.

    Args:
        lungs: uint8 (k, j, i): 1 right lung, 2 left lung, lesions included.
        lesions: uint8 (k, j, i): n + 1 for ``classes[n]``. Lesion voxels outside the lungs do not
            count.
        classes: Names of the lesion classes.
        geometry: The grid of both arrays.
    """
    # counts[lung, class] of voxels; class 0 is lung without lesion.
    combined = lungs.astype(np.uint16) * (len(classes) + 1) + lesions
    counts = np.bincount(combined.ravel(), minlength=3 * (len(classes) + 1))
    counts = counts[: 3 * (len(classes) + 1)].reshape(3, len(classes) + 1)
    regions = tuple(
        _region(name, counts[list(labels)].sum(axis=0), classes, geometry.voxel_volume_ml)
        for name, labels in _LUNGS
    )
    slices = _slices(lungs > 0, lesions > 0, geometry)
    right, left, both = regions
    return SeverityReport(
        regions=regions,
        slices=slices,
        rules=(worse_lung(right, left), slice_mean(slices), pooled(both)),
    )


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


def _slices(lung: np.ndarray, lesion: np.ndarray, geometry: Geometry) -> tuple[SliceSeverity, ...]:
    order = AxialOrder.of(geometry)
    _, height, width = order.axial_spacing(geometry)
    lung_pixels = np.count_nonzero(order.to_axial(lung), axis=(1, 2))
    lesion_pixels = np.count_nonzero(order.to_axial(lesion & lung), axis=(1, 2))
    return tuple(
        SliceSeverity(
            index=int(index),
            position_mm=position,
            lung_mm2=float(lung_pixels[index] * height * width),
            lesion_mm2=float(lesion_pixels[index] * height * width),
            ratio=float(lesion_pixels[index] / lung_pixels[index]),
        )
        for index, position in enumerate(_superior_positions(order, geometry))
        if lung_pixels[index]
    )


def _superior_positions(order: AxialOrder, geometry: Geometry) -> list[float]:
    """RAS S in mm of every axial slice's centre, inferior to superior."""
    axis = 2 - order.permutation[0]  # grid axis (0 i, 1 j, 2 k) that runs closest to superior
    centre = (np.array(geometry.size) - 1) / 2.0
    indices = np.arange(geometry.size[axis])
    if order.flips[0]:
        indices = indices[::-1]
    points = np.tile([*centre, 1.0], (len(indices), 1))
    points[:, axis] = indices
    return [float(s) for s in points @ geometry.ijk_to_ras[2]]
