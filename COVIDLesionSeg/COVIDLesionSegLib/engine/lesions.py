"""Lesions one by one: connected areas, and lungs that lesions were painted over."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .volume import Geometry

NEIGHBOURS = np.ones((3, 3, 3), bool)
"""Voxels that share a corner are connected."""


class Areas(NamedTuple):
    """Connected areas of lesion.

    Attributes:
        box: The smallest box of the CT's array that holds all of them.
        numbers: int32, (z, y, x) of the box; 0 elsewhere, else the area's number, from 1.
        voxels: Voxels of every area, by its number; ``voxels[0]`` is 0.
    """

    box: tuple[slice, slice, slice]
    numbers: npt.NDArray[np.int32]
    voxels: npt.NDArray[np.int64]


def connected_areas(lesion: npt.NDArray[Any]) -> Areas | None:
    """The connected areas of a CT; None where there is no lesion. Classes that touch are one area.

    Args:
        lesion: (z, y, x), non-zero in lesions.
    """
    from scipy import ndimage  # takes time to load, and the panel needs it late

    boxes = ndimage.find_objects((lesion != 0).view(np.uint8))
    if not boxes:
        return None
    z, y, x = boxes[0]
    numbers, count = ndimage.label(lesion[z, y, x], structure=NEIGHBOURS)
    voxels = np.zeros(count + 1, np.int64)
    for number in numbers:  # all at once, the count would take 8 bytes for every voxel
        voxels += np.bincount(number.ravel(), minlength=count + 1)
    voxels[0] = 0
    return Areas((z, y, x), numbers, voxels)


def lungs_with_lesions(
    lungs: npt.NDArray[Any], lesion: npt.NDArray[Any], geometry: Geometry
) -> npt.NDArray[np.uint8]:
    """The lungs with the lesions that lie in or against them.

    Segments of 3D Slicer exclude each other by default, so a lesion that is painted cuts a hole
    into its lung. A connected lesion that touches a lung at a face, an edge or a corner of a voxel
    belongs to it; where it touches both, every voxel to the one that is nearest, in mm. One that
    touches none stays outside.

    Args:
        lungs: 1 right and 2 left, (k, j, i).
        lesion: Non-zero in lesions, same shape.
        geometry: The grid of both.

    Returns:
        uint8, (k, j, i).
    """
    from scipy import ndimage

    whole = lungs.astype(np.uint8)
    outside = (lesion > 0) & (whole == 0)
    if not outside.any() or not whole.any():
        return whole
    parts, _ = ndimage.label(outside, NEIGHBOURS)
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        around = tuple(slice(max(0, one.start - 1), one.stop + 1) for one in box)
        own, here = parts[around] == number, lungs[around]
        touched = set(here[ndimage.binary_dilation(own, NEIGHBOURS)].tolist()) - {0}
        if len(touched) == 1:
            whole[around][own] = touched.pop()
        elif touched:
            nearest = ndimage.distance_transform_edt(
                here == 0,
                sampling=geometry.spacing[::-1],
                return_distances=False,
                return_indices=True,
            )
            whole[around][own] = here[tuple(nearest)][own]
    return whole


def painted_over(beside: npt.NDArray[np.bool_], found: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which lesions beside the lungs cut them when somebody who corrected a result painted them.

    Those connected areas of which any voxel was drawn. Where all of one was found in the run, the
    lung was taken out on purpose, such as fluid that is no lung.

    Args:
        beside: Lesions, as corrected, that lie in no lung, (z, y, x).
        found: Non-zero in lesions of the run, same shape.
    """
    painted = np.zeros(beside.shape, bool)
    areas = connected_areas(beside)
    if areas is not None:
        drawn = np.zeros(len(areas.voxels), bool)
        drawn[areas.numbers[found[areas.box] == 0]] = True
        drawn[0] = False
        painted[areas.box] = drawn[areas.numbers]
    return painted


def corrected_lungs(
    lungs: npt.NDArray[Any],
    lesions: npt.NDArray[Any],
    lungs_of_run: npt.NDArray[Any],
    lesions_of_run: npt.NDArray[Any],
) -> npt.NDArray[np.uint8]:
    """The lungs of a corrected result, with the lesions that were painted over those of the run.

    Args:
        lungs: As drawn, 1 right and 2 left, (z, y, x): painting a lesion may have cut them.
        lesions: As drawn, non-zero in lesions, same shape.
        lungs_of_run, lesions_of_run: Before any correction, same shape.

    Returns:
        Same shape; see :func:`painted_over`.
    """
    beside = (lungs == 0) & (lesions > 0)
    if not beside.any():
        return lungs
    return np.where(painted_over(beside, found=lesions_of_run), lungs_of_run, lungs)
