"""Volumes and infected fraction of each lobe, from images that may have a grid of their own."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

import numpy as np

from ..labels import LUNG_LABELS
from ..lobes import LOBES
from ..steps import finish
from ..volume import Geometry
from ..volume.placed_labels import PlacedLabels, Sampler
from .report import RegionSeverity, SeverityReport


def with_lobes(
    severity: SeverityReport, lobes: PlacedLabels, lesions: np.ndarray, geometry: Geometry
) -> SeverityReport:
    """The same severity with that of each lobe.

    Args:
        severity: Severity of the CT.
        lobes: Its lobes, by the names in ``LOBES``.
        lesions: uint8 (k, j, i) on the CT's grid: n + 1 for the n-th class of ``severity``.
        geometry: The CT's grid.
    """
    classes = severity.classes
    placed = PlacedLabels(lesions, geometry.ijk_to_ras, dict(enumerate(classes, start=1)))
    measured = finish(measure_lobes([lobes], [placed], LOBES, classes, geometry))
    return replace(severity, lobes=measured)


def lobes_by_lung(
    lobes: PlacedLabels, lungs: np.ndarray, geometry: Geometry
) -> dict[str, dict[str, float]]:
    """How much of each lobe lies in the right and in the left lung, in ml, by lobe and lung.

    Args:
        lobes: Of the CT, by the names in ``LOBES``.
        lungs: uint8 (k, j, i) on the CT's grid, by ``LUNG_LABELS``.
        geometry: The CT's grid.
    """
    names = {label: name for name, label in LUNG_LABELS.items()}
    placed = PlacedLabels(lungs, geometry.ijk_to_ras, names)
    measured = finish(measure_lobes([lobes], [placed], LOBES, tuple(LUNG_LABELS), geometry))
    return {lobe.region: lobe.lesion_class_ml for lobe in measured}


def measure_lobes(
    lobes: Sequence[PlacedLabels],
    lesions: Sequence[PlacedLabels],
    names: Sequence[str],
    classes: Sequence[str],
    geometry: Geometry,
) -> Generator[float, None, tuple[RegionSeverity, ...]]:
    """Measure each lobe on the CT's grid, one slice of it between two values of the generator.

    A voxel of the CT has the label that its centre lies in. Where lesion classes overlap, the
    later image counts.

    Args:
        lobes: Images that hold lobes.
        lesions: Images that hold lesions.
        names: Lobes to measure, by the names in ``lobes``.
        classes: Lesion classes, by the names in ``lesions``.
        geometry: The CT's grid.

    Yields:
        The share that is done, 0 to 1.

    Returns:
        By lobe, in the order of ``names``; the ratio of one without a voxel is None.
    """
    columns, rows, slices = geometry.size
    lobe_samplers = [Sampler.of(lobe, geometry) for lobe in lobes]
    lesion_samplers = [Sampler.of(lesion, geometry) for lesion in lesions]
    counts = np.zeros((len(names), len(classes) + 1), np.int64)
    for k in range(slices):
        here = [(sampler, sampler.slice(k)) for sampler in lobe_samplers]
        if any(values is not None for _, values in here):
            lesion = np.zeros((rows, columns), np.intp)
            for sampler in lesion_samplers:
                for mask, name in sampler.masks(k):
                    lesion[mask] = classes.index(name) + 1
            for number, lobe in enumerate(names):
                inside = np.zeros((rows, columns), bool)
                for sampler, values in here:
                    inside |= sampler.mask_of(values, lobe)
                counts[number] += np.bincount(lesion[inside], minlength=counts.shape[1])
        yield (k + 1) / slices
    ml = geometry.voxel_volume_ml
    return tuple(
        RegionSeverity(
            region=name,
            lung_ml=int(found.sum()) * ml,
            lesion_ml=int(found[1:].sum()) * ml,
            ratio=int(found[1:].sum()) / int(found.sum()) if found.any() else None,
            lesion_class_ml={c: int(n) * ml for c, n in zip(classes, found[1:], strict=True)},
        )
        for name, found in zip(names, counts, strict=True)
    )
