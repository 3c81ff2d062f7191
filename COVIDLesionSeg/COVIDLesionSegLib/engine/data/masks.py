"""Masks of a CT: lesions, and perhaps lungs, in a file on its grid; and checks of lesions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..labels import CLASSES, LESION, PSEUDO_LABEL_MARK, lesions_of_labels
from ..lesions import lungs_with_lesions
from ..text import share_text
from ..volume import Geometry, read_array, same_grid
from ..volume.segmentation_file import holds_segments, read_segments
from .labelled import LabelledImage

_LUNG_SEGMENTS = {"right lung": 1, "left lung": 2}
_MARK = f" - {PSEUDO_LABEL_MARK}"
_INVERTED_ABOVE = 0.75
"""Share of an image: more than any lesion, even in slices cropped to the lungs."""
FILLED_ABOVE = 0.95
"""Share of the lungs that is lesion, above which the mask may be a map of the lungs."""
_LUNG_MAP_ABOVE, _AERATED_HU = 0.6, -750.0
"""A mask of more than this share of the lungs with a median below is a map of the lungs: aerated
lung has about -850 HU, the faintest lesions that experts marked in coronacases -723 HU."""


@dataclass(frozen=True, eq=False)
class Mask:
    """Arrays of shape (k, j, i), on the grid of the CT.

    Attributes:
        lesion: bool, lesion of any class; or uint8, n + 1 for class n of several.
        lungs: uint8, 1 right and 2 left, with the lesions in them; None where the file has none.
        pseudo: The lesions are pseudo-labels: computed, not checked by an expert.
    """

    lesion: np.ndarray
    lungs: np.ndarray | None = None
    pseudo: bool = False


def read_mask(path: Path, geometry: Geometry, classes: Sequence[str] = (LESION,)) -> Mask:
    """A segmentation that 3D Slicer saved, or a label map.

    A segmentation names its classes; where two of its segments overlap, the later of ``classes``
    stays. Lesions that were painted over its lungs, as Slicer's Segment Editor does by default, are
    given back to them, see :func:`~..lesions.lungs_with_lesions`. The labels of a label map are 1
    for the first of ``classes``, and so on. Lesions are boolean where there is a single class, and
    where the file does not tell several apart: a segment is called lesion, or the map has a single
    label that is 1 or no class's.

    Args:
        path: The file.
        geometry: Grid of the CT.
        classes: Those to tell apart.

    Raises:
        InputError: The file cannot be read or understood, does not lie on the grid, or marks nearly
            everything.
    """
    if holds_segments(path):
        mask = _segmentation(path, geometry, classes)
    else:
        mask = Mask(_label_map(path, geometry, classes))
    check_not_inverted(mask.lesion, path.name)
    return mask


def check_not_inverted(lesion: np.ndarray, file: str) -> None:
    """Raise InputError if a mask, of any shape, marks nearly everything; lesion is not 0."""
    share = np.count_nonzero(lesion) / max(1, lesion.size)
    if share > _INVERTED_ABOVE:
        raise InputError(
            f"The mask {file} marks {share_text(share)} of all voxels as lesion, as an inverted "
            "mask does: "
            "give one with lesions above 0 and everything else 0."
        )


class Placement:
    """Where the lesions of slices or CTs lie; those without known lungs are not counted."""

    def __init__(self, items: Iterable[LabelledImage] = ()):
        self._lesion = self._inside = self._lungs = 0
        for item in items:
            self.add(item)

    def add(self, item: LabelledImage) -> None:
        """Count a slice or CT."""
        if item.lungs is None:
            return
        lungs = item.lungs > 0
        self._lesion += int(np.count_nonzero(item.lesion))
        self._inside += int(np.count_nonzero(item.lesion[lungs]))
        self._lungs += int(np.count_nonzero(lungs))

    @property
    def outside(self) -> float | None:
        """Share of the lesions that lies outside the lungs; None without lesions or lungs."""
        if not self._lesion or not self._lungs:
            return None
        return 1.0 - self._inside / self._lesion

    @property
    def of_lungs(self) -> float | None:
        """Share of the lungs that is lesion; None without lungs."""
        return self._inside / self._lungs if self._lungs else None


def check_not_lungs(items: Sequence[LabelledImage], whose: str) -> None:
    """Make sure that the lesions of a patient are not a map of the lungs.

    Args:
        items: Slices or CTs of one patient; those without HU or lungs are not looked at.
        whose: For the message: ``"of p1"``, or ``"lesion.nrrd"``.

    Raises:
        InputError: Lesions are most of the lungs, and half of them is well aerated.
    """
    known = [item for item in items if not item.windowed and item.lungs is not None]
    share = Placement(known).of_lungs
    if share is None or share <= _LUNG_MAP_ABOVE:
        return
    inside = [item.image[(item.lesion > 0) & (item.known_lungs() > 0)] for item in known]
    median = np.median(np.concatenate(inside))
    if median < _AERATED_HU:
        raise InputError(
            f"The mask {whose} marks {share_text(share)} of the lungs as lesion, half of it below "
            f"{median:.0f} HU, as a map of the lungs does: give one with lesions alone."
        )


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
    lesion = _together(lesions, classes)
    whole = lungs_with_lesions(lungs, lesion, geometry) if lungs.any() else None
    return Mask(lesion, whole, pseudo)


def _together(lesions: dict[str, np.ndarray], classes: Sequence[str]) -> np.ndarray:
    if len(classes) == 1 and classes[0] in CLASSES and LESION not in lesions:
        none = np.zeros(next(iter(lesions.values())).shape, dtype=bool)
        return lesions.get(classes[0], none)
    if len(classes) == 1 or not lesions.keys() <= set(classes):
        together: np.ndarray = np.logical_or.reduce(list(lesions.values()))
        return together
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
    lesion: np.ndarray = array != 0
    values = array[lesion]
    if not values.size:
        raise InputError(
            f"The mask {path.name} is empty: leave its place in the table empty if the CT shows no "
            "lesion."
        )
    if lesion.all():
        raise InputError(f"The mask {path.name} marks every voxel: give one with background 0.")
    known = CLASSES if len(classes) == 1 else classes
    lowest, highest = values.min(), values.max()
    # Most masks of lesions of any class hold 1, and many 255. A 2 names its class by itself.
    if lowest == highest and highest not in range(2, len(known) + 1):
        return lesion
    return lesions_of_labels(array, classes, path.name, whole="a single label")
