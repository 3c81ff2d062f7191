"""The table of lesions, whoever found them: a detector, or a model that segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ..lobes import LOBES
from ..severity.lesions import measure_numbered, position_of
from ..volume import Volume
from .result import FoundLesion

MOST_LESIONS = 2**16 - 1
"""In a label map of 16 bits."""


def tabulate(
    numbers: npt.NDArray[Any],
    scores: Sequence[float],
    lungs: npt.NDArray[Any],
    volume: Volume,
    smallest_ml: float = 0.0,
    lobes: npt.NDArray[Any] | None = None,
) -> tuple[npt.NDArray[np.uint16], tuple[FoundLesion, ...]]:
    """Measure lesions, and number them by falling volume.

    Args:
        numbers: Numbers of lesions from 1 on, (z, y, x) in axial order.
        scores: Scores of lesion 1, 2 and so on.
        lungs: 1 right lung, 2 left lung, same shape.
        volume: The CT.
        smallest_ml: Lesions of less are left out.
        lobes: n + 1 for ``LOBES[n]``, same shape; None where they are not known.

    Returns:
        The numbers of the table, same shape, and the table.
    """
    hu = volume.axial
    found = measure_numbered(
        numbers,
        lungs,
        volume.geometry,
        of_voxels=lambda *place: hu[place],
        smallest_ml=smallest_ml,
    )
    table: list[FoundLesion] = []
    renamed = np.zeros(len(scores) + 1, np.uint16)
    boxes = ndimage.find_objects(numbers, len(scores))
    every = zip(found.lesions[:MOST_LESIONS], found.sources, found.means, strict=False)
    for lesion, source, mean in every:
        assert mean is not None  # there are values
        renamed[source] = lesion.number
        box = boxes[source - 1]
        shape = [part.stop - part.start for part in box]
        z, y, x = (round(n * mm, 1) for n, mm in zip(shape, volume.axial_spacing, strict=True))
        table.append(
            FoundLesion(
                **vars(lesion),
                box_mm=(x, y, z),
                inside_lps_mm=_inside(numbers, box, source, lesion.largest_slice, volume),
                mean_hu=round(mean, 1),
                score=round(float(scores[source - 1]), 4),
                lobe=None if lobes is None else _lobe(lobes[box][numbers[box] == source]),
            )
        )
    return renamed[numbers], tuple(table)


def _lobe(lobes: npt.NDArray[Any]) -> str | None:
    voxels = np.bincount(lobes, minlength=len(LOBES) + 1)[1:]
    return LOBES[int(voxels.argmax())] if voxels.any() else None


def _inside(
    numbers: npt.NDArray[Any], box: tuple[slice, ...], source: int, index: int, volume: Volume
) -> tuple[float, float, float]:
    places = np.argwhere(numbers[index][box[1:]] == source)
    nearest = places[((places - places.mean(axis=0)) ** 2).sum(axis=1).argmin()]
    place = np.array([index, *(nearest + [part.start for part in box[1:]])], float)
    return position_of(place, volume.order, volume.geometry)
