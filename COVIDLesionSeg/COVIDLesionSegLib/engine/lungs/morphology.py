"""Connected components, and dilation, erosion and closing by a ball in mm.

Masks are bool (z, y, x), labels are integers of the same shape, spacing is in mm along (z, y, x).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK
from scipy import ndimage

from ..boxes import bounding_box

sitk: Any = SimpleITK  # its functions have no annotations

_IN_AXIAL_PLANE = np.zeros((3, 3, 3), bool)
_IN_AXIAL_PLANE[1] = ndimage.generate_binary_structure(2, 1)
_COUNTED = 2**22  # voxels


def count_labels(labels: np.ndarray, count: int) -> np.ndarray:
    """Voxels of each of the labels 0 to ``count - 1``.

    Some voxels at a time: all at once, NumPy would take 8 bytes more for each.
    """
    flat = labels.ravel()
    counts = np.zeros(count, np.int64)
    for first in range(0, flat.size, _COUNTED):
        counts += np.bincount(flat[first : first + _COUNTED], minlength=count)
    return counts


def label(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """6-connected components: labels from 1, and voxel counts indexed by label (0 at index 0)."""
    labels, count = ndimage.label(mask)
    sizes = count_labels(labels, count + 1)
    sizes[0] = 0
    return labels, sizes


def label_slices(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Like :func:`label`, but every axial slice by itself."""
    labels, count = ndimage.label(mask, _IN_AXIAL_PLANE)
    sizes = count_labels(labels, count + 1)
    sizes[0] = 0
    return labels, sizes


def largest(mask: np.ndarray) -> np.ndarray:
    """The largest 6-connected component as a mask of the same shape, or an empty mask."""
    labels, sizes = label(mask)
    return labels == sizes.argmax() if sizes.any() else mask.copy()


def touches_border(labels: np.ndarray, count: int) -> np.ndarray:
    """Which of the labels 0 to ``count - 1`` reach an edge of an axial slice; bool by label."""
    touching = np.zeros(count, bool)
    for edge in (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]):
        touching[np.unique(edge)] = True
    return touching


def fill_slices(mask: np.ndarray) -> np.ndarray:
    """The bool mask (z, y, x) with what each axial slice encloses completely."""
    labels, sizes = label_slices(~mask)
    filled: np.ndarray = mask | ~touches_border(labels, len(sizes))[labels]
    return filled


def fill_enclosed(mask: np.ndarray) -> np.ndarray:
    """Fill what is enclosed in at least two of the three orthogonal planes.

    A vessel, nodule or consolidation within a lung is; the dome of the liver, which a base
    surrounds in axial slices only, is not.
    """
    filled = mask.copy()
    box = bounding_box(mask, 1)
    if box is not None:
        votes = np.zeros(mask[box].shape, np.uint8)
        for axis in range(3):
            votes += np.moveaxis(fill_slices(np.moveaxis(mask[box], axis, 0)), 0, axis)
        filled[box] |= votes >= 2
    return filled


def free_surface(piece: np.ndarray, whole: np.ndarray) -> float:
    """Share of the voxels around a piece that do not belong to the whole; 0 to 1.

    Voxels beyond the volume do not count; nan if there are no others.
    """
    box = bounding_box(piece, 1)
    if box is None:
        return float("nan")
    around = ndimage.binary_dilation(piece[box]) & ~piece[box]
    return 1 - float(whole[box][around].mean()) if around.any() else float("nan")


def within(mask: np.ndarray, distance: float, spacing: tuple[float, float, float]) -> np.ndarray:
    """Voxels at most ``distance`` mm from the mask (a dilation by a true ball)."""
    box = bounding_box(mask, [int(np.ceil(distance / mm)) + 1 for mm in spacing])
    if box is None:
        return mask.copy()
    image = sitk.GetImageFromArray(mask[box].astype(np.uint8))
    image.SetSpacing(spacing[::-1])
    result = np.zeros(mask.shape, bool)
    distances = sitk.SignedMaurerDistanceMap(
        image, insideIsPositive=False, squaredDistance=False, useImageSpacing=True
    )
    result[box] = sitk.GetArrayFromImage(distances) <= distance
    return result


def deeper_than(mask: np.ndarray, depth: float, spacing: tuple[float, float, float]) -> np.ndarray:
    """Voxels more than ``depth`` mm inside the mask (an erosion by a true ball)."""
    # One voxel around the mask: what lies beyond is not nearer than this.
    box = bounding_box(mask, 1)
    if box is None:
        return mask.copy()
    result = np.zeros(mask.shape, bool)
    result[box] = mask[box] & ~within(~mask[box], depth, spacing)
    return result


def closed(mask: np.ndarray, radius: float, spacing: tuple[float, float, float]) -> np.ndarray:
    """Morphological closing by a ball of ``radius`` mm; the volume's border is no obstacle."""
    margin = [int(np.ceil(radius / mm)) + 1 for mm in spacing]
    # Repeating the border makes a lung that is cut off there continue, not close upon itself.
    padded = np.pad(mask, [(n, n) for n in margin], mode="edge")
    padded = deeper_than(within(padded, radius, spacing), radius, spacing)
    result: np.ndarray = padded[tuple(slice(n, -n) for n in margin)] | mask
    return result
