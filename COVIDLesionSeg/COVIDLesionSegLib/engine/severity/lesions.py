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
from ..volume import AxialOrder, Geometry
from .report import LesionSeverity

Frequency = Callable[[npt.NDArray[Any]], npt.NDArray[np.float64]]
"""From calibrated probabilities to how often experts marked such voxels as lesion, 0 to 1."""


class Confidence(NamedTuple):
    """What confidence is computed from.

    Attributes:
        probability: Of lesion, calibrated, 0 to 1, (k, j, i).
        frequency: Of the same model.
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
    """Every connected area of lesion within the lungs; slice by slice, to take little memory.

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
    bottom, top, left = (part.start for part in areas.box)
    lungs = lungs[areas.box]
    probability = None if confidence is None else order.to_axial(confidence.probability)[areas.box]
    count = len(areas.voxels)
    pixels = np.zeros((len(lungs), count), np.int64)
    sides = np.zeros((len(LUNG_LABELS) + 1, count), np.int64)
    moments, expected = np.zeros((3, count)), np.zeros(count)
    of_slices: dict[int, float] = {}
    for index, numbers in enumerate(areas.numbers):
        y, x = np.nonzero(numbers)
        if not len(y):
            continue
        found = numbers[y, x]
        pixels[index] = np.bincount(found, minlength=count)
        moments += [
            (bottom + index) * pixels[index],
            np.bincount(found, top + y, count),
            np.bincount(found, left + x, count),
        ]
        for label in range(1, len(sides)):
            sides[label] += np.bincount(found[lungs[index, y, x] == label], minlength=count)
        if probability is not None and confidence is not None:
            frequency = confidence.frequency(probability[index, y, x])
            expected += np.bincount(found, frequency, count)
            of_slices[bottom + index] = float(frequency.mean())
    names = dict(zip(LUNG_LABELS.values(), LUNG_LABELS, strict=True))
    found_lesions: list[LesionSeverity] = []
    for number in 1 + np.argsort(-areas.voxels[1:], kind="stable"):
        reached = np.flatnonzero(pixels[:, number])
        found_lesions.append(
            LesionSeverity(
                number=len(found_lesions) + 1,
                region=names[int(sides[:, number].argmax())],
                lesion_ml=float(areas.voxels[number] * geometry.voxel_volume_ml),
                slices=(bottom + int(reached[0]), bottom + int(reached[-1])),
                largest_slice=bottom + int(pixels[:, number].argmax()),
                centre_lps_mm=position_of(
                    moments[:, number] / areas.voxels[number], order, geometry
                ),
                confidence=None
                if confidence is None
                else float(expected[number] / areas.voxels[number]),
            )
        )
    return MeasuredLesions(tuple(found_lesions), of_slices)


def position_of(
    axial: npt.NDArray[np.float64], order: AxialOrder, geometry: Geometry
) -> tuple[float, float, float]:
    """LPS in mm of a place in axial order (z, y, x)."""
    stored = np.ones(4)
    for place, axis, flip in zip(axial, order.permutation, order.flips, strict=True):
        stored[2 - axis] = geometry.shape[axis] - 1 - place if flip else place
    x, y, z = (round(float(mm), 1) for mm in (geometry.ijk_to_lps @ stored)[:3])
    return x, y, z
