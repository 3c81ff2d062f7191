"""Lesions one by one, and how far a calibrated model can be relied on for each and for each slice.

Confidence is the expected precision: the share of the voxels called lesion that experts would mark,
too. Every voxel counts with the frequency at which experts marked voxels of its probability on
held-out patients, which the reliability diagram on the model's card states. It says nothing of
lesions that were missed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..labels import LUNG_LABELS
from ..lesions import connected_areas
from ..steps import Steps, finish, slabs
from ..volume import AxialOrder, Geometry
from .report import Lesion, LesionSeverity

Frequency = Callable[[npt.NDArray[Any]], npt.NDArray[np.float64]]
"""From calibrated probabilities to how often experts marked such voxels as lesion, 0 to 1."""


class Confidence(NamedTuple):
    """What confidence is computed from.

    Attributes:
        probability: Of lesion, calibrated, 0 to 1, (k, j, i).
        frequency: Calibration of the same model.
    """

    probability: npt.NDArray[Any]
    frequency: Frequency


class MeasuredLesions(NamedTuple):
    """What :func:`measure_lesions` found.

    Attributes:
        lesions: The largest first.
        slices: Confidence of every axial slice with lesion, by its index; empty where it is not
            known.
    """

    lesions: tuple[LesionSeverity, ...]
    slices: dict[int, float]


def measure_lesions(
    lungs: npt.NDArray[Any],
    lesions: npt.NDArray[Any],
    geometry: Geometry,
    confidence: Confidence | None = None,
) -> MeasuredLesions:
    """Every connected area of lesion within the lungs.

    Args:
        lungs: (k, j, i): 1 right lung, 2 left lung, lesions included.
        lesions: (k, j, i), non-zero in lesions.
        geometry: The grid of all arrays.
        confidence: None without calibration.
    """
    order = AxialOrder.of(geometry)
    lungs = order.to_axial(lungs)
    areas = connected_areas((lungs > 0) & (order.to_axial(lesions) > 0))
    if areas is None:
        return MeasuredLesions((), {})
    of_voxels = None
    if confidence is not None:
        probability = order.to_axial(confidence.probability)[areas.box]
        frequency = confidence.frequency

        def of_voxels(*place: npt.NDArray[Any]) -> npt.NDArray[Any]:
            return frequency(probability[place])

    start = tuple(part.start for part in areas.box)
    found = measure_numbered(areas.numbers, lungs[areas.box], geometry, start, of_voxels)
    return MeasuredLesions(
        tuple(
            LesionSeverity(**vars(lesion), confidence=mean)
            for lesion, mean in zip(found.lesions, found.means, strict=True)
        ),
        found.slices,
    )


class NumberedLesions(NamedTuple):
    """What :func:`measure_numbered` found.

    Attributes:
        lesions: The largest first.
        sources: Their numbers in the array.
        means: Mean of the voxels' values; None without values.
        slices: The same of all lesions in a slice, by its index; empty without values.
    """

    lesions: list[Lesion]
    sources: list[int]
    means: list[float | None]
    slices: dict[int, float]


def measure_numbered(
    numbers: npt.NDArray[Any],
    lungs: npt.NDArray[Any],
    geometry: Geometry,
    start: tuple[int, ...] = (0, 0, 0),
    of_voxels: Callable[..., npt.NDArray[Any]] | None = None,
    smallest_ml: float = 0.0,
) -> NumberedLesions:
    """Measure lesions slice by slice, to take little memory, and number them by falling volume.

    Args:
        numbers: Of lesions, 0 elsewhere, (z, y, x) in axial order, of the CT or a box of it.
        lungs: 1 right lung, 2 left lung, same shape.
        geometry: The CT's.
        start: Where the box begins.
        of_voxels: Values of voxels at (z, y, x) of the box, z one number.
        smallest_ml: Lesions of less are left out.
    """
    order = AxialOrder.of(geometry)
    bottom, top, left = start
    count = int(numbers.max(initial=0)) + 1
    pixels = np.zeros((len(numbers), count), np.int64)
    sides = np.zeros((len(LUNG_LABELS) + 1, count), np.int64)
    moments, sums = np.zeros((3, count)), np.zeros(count)
    of_slices: dict[int, float] = {}
    for index, here in enumerate(numbers):
        y, x = np.nonzero(here)
        if not len(y):
            continue
        found = here[y, x]
        pixels[index] = np.bincount(found, minlength=count)
        moments += [
            (bottom + index) * pixels[index],
            np.bincount(found, top + y, count),
            np.bincount(found, left + x, count),
        ]
        for label in range(1, len(sides)):
            sides[label] += np.bincount(found[lungs[index, y, x] == label], minlength=count)
        if of_voxels is not None:
            values = of_voxels(index, y, x)
            sums += np.bincount(found, values, count)
            of_slices[bottom + index] = float(values.mean())
    names = dict(zip(LUNG_LABELS.values(), LUNG_LABELS, strict=True))
    measured = NumberedLesions([], [], [], of_slices)
    voxels = pixels.sum(axis=0)
    for number in map(int, np.argsort(-voxels, kind="stable")):
        volume_ml = float(voxels[number] * geometry.voxel_volume_ml)
        if not voxels[number] or volume_ml < smallest_ml:
            continue
        reached = np.flatnonzero(pixels[:, number])
        measured.lesions.append(
            Lesion(
                number=len(measured.lesions) + 1,
                region=names[int(sides[:, number].argmax())],
                lesion_ml=volume_ml,
                slices=(bottom + int(reached[0]), bottom + int(reached[-1])),
                largest_slice=bottom + int(pixels[:, number].argmax()),
                centre_lps_mm=position_of(moments[:, number] / voxels[number], order, geometry),
            )
        )
        measured.sources.append(number)
        measured.means.append(None if of_voxels is None else float(sums[number] / voxels[number]))
    return measured


def number_lesions(
    lungs: npt.NDArray[Any], lesions: npt.NDArray[Any], geometry: Geometry, most: int = 2**16 - 1
) -> npt.NDArray[np.uint16]:
    """The numbers that :func:`measure_lesions` gives, voxel by voxel, (k, j, i); 0 elsewhere.

    Args:
        lungs, lesions, geometry: As for that.
        most: Only so many of the largest.
    """
    return finish(number_lesions_in_steps(lungs, lesions, geometry, most))


def number_lesions_in_steps(
    lungs: npt.NDArray[Any], lesions: npt.NDArray[Any], geometry: Geometry, most: int
) -> Steps[npt.NDArray[np.uint16]]:
    """As :func:`number_lesions`, in steps; to find connected areas is one, of some 0.3 s."""
    order = AxialOrder.of(geometry)
    lungs, lesions = order.to_axial(lungs), order.to_axial(lesions)
    within = np.empty(lungs.shape, bool)
    for part in slabs(within):
        np.logical_and(lungs[part], lesions[part], out=within[part])
        yield
    labels = np.zeros(geometry.shape, np.uint16)
    areas = connected_areas(within)
    yield
    if areas is not None:
        found = measure_numbered(areas.numbers, lungs[areas.box], geometry)
        yield
        renamed = np.zeros(len(areas.voxels), np.uint16)
        renamed[found.sources[:most]] = range(1, min(most, len(found.sources)) + 1)
        target = order.to_axial(labels)[areas.box]
        for part in slabs(target):
            target[part] = renamed[areas.numbers[part]]
            yield
    return labels


def position_of(
    axial: npt.NDArray[np.float64], order: AxialOrder, geometry: Geometry
) -> tuple[float, float, float]:
    """LPS in mm of a place in axial order (z, y, x)."""
    stored = np.ones(4)
    for place, axis, flip in zip(axial, order.permutation, order.flips, strict=True):
        stored[2 - axis] = geometry.shape[axis] - 1 - place if flip else place
    x, y, z = (round(float(mm), 1) for mm in (geometry.ijk_to_lps @ stored)[:3])
    return x, y, z
