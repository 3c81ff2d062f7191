"""Lesions, and perhaps lungs, that somebody marked in a CT, as a file on its grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..labels import CLASSES, LESION, PSEUDO_LABEL_MARK, lesions_of_labels
from ..volume import Geometry, read_array, same_grid
from ..volume.segmentation_file import holds_segments, read_segments

_LUNG_SEGMENTS = {"right lung": 1, "left lung": 2}
_MARK = f" - {PSEUDO_LABEL_MARK}"


@dataclass(frozen=True, eq=False)
class Mask:
    """Arrays of shape (k, j, i), on the grid of the CT.

    Attributes:
        lesion: bool, lesion of any class; or uint8, n + 1 for class n of several.
        lungs: uint8, 1 right and 2 left; None where the file has none.
        pseudo: The lesions are pseudo-labels, which nobody checked.
    """

    lesion: np.ndarray
    lungs: np.ndarray | None = None
    pseudo: bool = False


def read_mask(path: Path, geometry: Geometry, classes: Sequence[str] = (LESION,)) -> Mask:
    """A segmentation that 3D Slicer saved, or a label map.

    A segmentation names its classes; where two of its segments overlap, the later of ``classes``
    stays. The labels of a label map are 1 for the first of ``classes``, and so on. Lesions are
    boolean where there is a single class, and where the file does not tell several apart: a segment
    is called lesion, or the map has one label only.

    Args:
        path: The file.
        geometry: Grid of the CT.
        classes: Those to tell apart.

    Raises:
        InputError: The file cannot be read or understood, or does not lie on the grid.
    """
    if holds_segments(path):
        return _segmentation(path, geometry, classes)
    return Mask(_label_map(path, geometry, classes))


def _segmentation(path: Path, geometry: Geometry, classes: Sequence[str]) -> Mask:
    segments = read_segments(path, geometry)
    known = dict.fromkeys((LESION, *CLASSES, *classes))
    lungs = np.zeros(geometry.shape, dtype=np.uint8)
    lesions: dict[str, np.ndarray] = {}
    pseudo = False
    for segment in segments:
        name = segment.class_name or segment.name.strip().lower()
        plain = name.removesuffix(_MARK)
        if name in _LUNG_SEGMENTS:
            lungs[segment.mask] = _LUNG_SEGMENTS[name]
        elif plain in known:
            lesions[plain] = lesions.get(plain, False) | segment.mask
            pseudo |= plain != name
    if not lesions:
        names = ", ".join(segment.name for segment in segments)
        raise InputError(
            f"{path.name} has the segments {names}, but none called {' or '.join(known)}: rename "
            "the one that holds the lesions."
        )
    return Mask(_together(lesions, classes), lungs if lungs.any() else None, pseudo)


def _together(lesions: dict[str, np.ndarray], classes: Sequence[str]) -> np.ndarray:
    if len(classes) == 1 or not lesions.keys() <= set(classes):
        return np.logical_or.reduce(list(lesions.values()))
    labels = np.zeros(next(iter(lesions.values())).shape, dtype=np.uint8)
    for number, name in enumerate(classes, start=1):
        if name in lesions:
            labels[lesions[name]] = number
    return labels


def _label_map(path: Path, geometry: Geometry, classes: Sequence[str]) -> np.ndarray:
    array, own_geometry = read_array(path)
    if not same_grid(own_geometry, geometry):
        raise InputError(
            f"The mask {path.name} does not lie on the grid of its CT: resample it to the CT."
        )
    lesion = array != 0
    values = array[lesion]
    if not values.size:
        raise InputError(
            f"The mask {path.name} is empty: leave its place in the table empty if the CT shows no "
            "lesion."
        )
    if lesion.all():
        raise InputError(f"The mask {path.name} marks every voxel: give one with background 0.")
    if values.min() == values.max():
        return lesion
    return lesions_of_labels(array, classes, path.name, whole="a single label")
