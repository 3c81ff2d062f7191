"""The table of lesions, whoever found them: a detector, or a model that segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ..labels import LUNG_LABELS
from ..severity.lesions import position_of
from ..volume import Volume


@dataclass(frozen=True)
class FoundLesion:
    """One lesion in three dimensions.

    Attributes:
        number: 1 is the largest; its value in the label map.
        region: The lung that holds most of it, ``"right lung"`` or ``"left lung"``.
        lesion_ml: Its volume, in ml.
        slices: First and last axial slice that it reaches, from the inferior end.
        largest_slice: The slice with most of it.
        box_mm: Its extent along the axes closest to right-left, anterior-posterior and
            inferior-superior, in mm.
        centre_lps_mm: Its centroid, LPS, in mm, to a tenth.
        inside_lps_mm: The middle of one of its voxels in the largest slice, the nearest to its
            centroid there: a crescent's centroid lies outside of it.
        mean_hu: Mean of its voxels, in HU.
        score: 0 to 1. Of a detector: the highest softmax confidence of its slices. Of a model that
            segments: the mean probability of its voxels.
    """

    number: int
    region: str
    lesion_ml: float
    slices: tuple[int, int]
    largest_slice: int
    box_mm: tuple[float, float, float]
    centre_lps_mm: tuple[float, float, float]
    inside_lps_mm: tuple[float, float, float]
    mean_hu: float
    score: float


def tabulate(
    numbers: npt.NDArray[Any],
    scores: Sequence[float],
    lungs: npt.NDArray[Any],
    volume: Volume,
    smallest_ml: float = 0.0,
) -> tuple[npt.NDArray[np.uint16], tuple[FoundLesion, ...]]:
    """Measure lesions, and number them by falling volume.

    Args:
        numbers: Numbers of lesions from 1 on, (z, y, x) in axial order.
        scores: Of lesion 1, 2 and so on.
        lungs: 1 right lung, 2 left lung, same shape.
        volume: The CT.
        smallest_ml: Lesions of less are left out.

    Returns:
        The numbers of the table, same shape, and the table.
    """
    table: list[FoundLesion] = []
    labels = np.zeros(numbers.shape, np.uint16)
    voxel_ml = volume.geometry.voxel_volume_ml
    counts = np.bincount(numbers.ravel(), minlength=len(scores) + 1)[1:]
    boxes = ndimage.find_objects(numbers, len(scores))
    for index in np.argsort(-counts, kind="stable"):
        box = boxes[index]
        if box is None or counts[index] * voxel_ml < smallest_ml or len(table) == 2**16 - 1:
            continue
        own = numbers[box] == index + 1
        labels[box][own] = len(table) + 1
        table.append(_measure(len(table) + 1, own, box, scores[index], lungs[box], volume))
    return labels, tuple(table)


def _measure(
    number: int,
    own: npt.NDArray[Any],
    box: tuple[slice, ...],
    score: float,
    lungs: npt.NDArray[Any],
    volume: Volume,
) -> FoundLesion:
    start = np.array([part.start for part in box])
    places = np.argwhere(own)
    pixels = own.sum(axis=(1, 2))
    largest = int(pixels.argmax())
    there = places[places[:, 0] == largest]
    nearest = there[((there - there.mean(axis=0)) ** 2).sum(axis=1).argmin()]
    of_lung = np.bincount(lungs[own].astype(np.intp), minlength=1 + max(LUNG_LABELS.values()))
    names = {label: name for name, label in LUNG_LABELS.items()}
    z, y, x = (
        round(float(n * mm), 1) for n, mm in zip(own.shape, volume.axial_spacing, strict=True)
    )
    return FoundLesion(
        number=number,
        region=names[1 + int(of_lung[1:].argmax())],
        lesion_ml=float(len(places) * volume.geometry.voxel_volume_ml),
        slices=(int(start[0]), int(start[0]) + len(own) - 1),
        largest_slice=int(start[0]) + largest,
        box_mm=(x, y, z),
        centre_lps_mm=position_of(start + places.mean(axis=0), volume.order, volume.geometry),
        inside_lps_mm=position_of((start + nearest).astype(float), volume.order, volume.geometry),
        mean_hu=round(float(volume.axial[box][own].mean()), 1),
        score=round(float(score), 4),
    )
