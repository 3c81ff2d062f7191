"""Lungs that are given instead of found, such as those that the user corrected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError, LungsNotFoundError
from ..flags import Flag
from ..labels import LUNG_LABELS, LUNG_STYLES, PAINTED_OVER, is_lesion
from ..lesions import lungs_with_lesions
from ..lobes import lung_of
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress
from ..volume import Geometry, Volume, read_array, same_grid
from ..volume.segmentation_file import holds_segments, read_segments
from .extractor import LungLabels
from .plausibility import check_lungs

METHOD = "given"
"""What the provenance calls it."""


class GivenLungs:
    """A :class:`~.extractor.LungExtractor` that gives what it was given, checked."""

    def __init__(self, labels: npt.NDArray[Any], volume: Volume) -> None:
        """Take the lungs of a CT.

        Args:
            labels: On the stored grid of the CT, shape (k, j, i): 0 elsewhere, 1 right lung, 2 left
                lung, 3 lesions that were painted over the lungs: those that touch a lung are part
                of it, others are left out.
            volume: The CT.

        Raises:
            InputError: The labels are others, or of another shape.
            LungsNotFoundError: There is neither lung.
        """
        if labels.shape != volume.geometry.shape:
            raise InputError("The given lungs do not have the size of the CT: choose its own.")
        others = set(np.unique(labels).tolist()) - {0, *LUNG_STYLES, PAINTED_OVER}
        if others:
            raise InputError(
                f"The given lungs hold the label {sorted(others)[0]:g}, but their labels must be 1 "
                "for the right lung and 2 for the left lung, and may be 3 for lesions that were "
                "painted over them."
            )
        if not np.isin(labels, list(LUNG_STYLES)).any():
            raise LungsNotFoundError("The given lungs are empty: choose others, or find them.")
        self._axial = volume.order.to_axial(with_lesions(labels.astype(np.uint8), volume.geometry))

    def extract(
        self,
        axial_hu: np.ndarray,
        spacing: tuple[float, float, float],
        progress: ProgressCallback = ignore_progress,
        cancel: CancelToken | None = None,
    ) -> LungLabels:
        """The given lungs, with what is unusual about them."""
        progress(Progress("Checking the lungs", 0.0))
        labels = np.ascontiguousarray(self._axial)
        note = Flag(
            "lungs-given",
            "The lungs were given: chosen or corrected by the user, not found in this run.",
            level="note",
        )
        flags = (note, *check_lungs(labels, axial_hu, spacing, sides_stated=True))
        return LungLabels(labels, flags, {"method": METHOD})


def with_lesions(labels: npt.NDArray[np.uint8], geometry: Geometry) -> npt.NDArray[np.uint8]:
    """The lungs with the lesions that were painted over them and touch them.

    Args:
        labels: uint8 (k, j, i): 1 right lung, 2 left lung, 3 lesions; it is not changed.
        geometry: Its grid.

    Returns:
        uint8, the same shape: 0 elsewhere, 1 right lung, 2 left lung.
    """
    painted = labels == PAINTED_OVER
    if not painted.any():
        return labels
    return lungs_with_lesions(np.where(painted, 0, labels), painted, geometry)


def read_lungs(path: Path, geometry: Geometry) -> npt.NDArray[np.uint8]:
    """Right and left lung from a file on the grid of a CT.

    Args:
        path: A ``.seg.nrrd`` file, whose lungs or lobes are known by their codes, or by what this
            software found there, as are lesions that were painted over the lungs; or a label map: 1
            for the right lung, 2 for the left lung, 3 for such lesions.
        geometry: Grid of the CT.

    Returns:
        Shape (k, j, i); labels of a label map are those of the file.

    Raises:
        InputError: The file cannot be read, does not lie on the grid, or holds no such segments.
    """
    if holds_segments(path):
        return _lungs_of_segments(path, geometry)
    labels, grid = read_array(path)
    if not same_grid(grid, geometry):
        raise InputError(f"{path.name} does not lie on the grid of the CT: resample it to the CT.")
    if not np.issubdtype(labels.dtype, np.integer) and (labels != np.rint(labels)).any():
        raise InputError(f"{path.name} holds no labels: give 1 for the right, 2 for the left lung.")
    clipped: npt.NDArray[np.uint8] = np.clip(labels, 0, 255).astype(np.uint8)
    return clipped


def _lungs_of_segments(path: Path, geometry: Geometry) -> npt.NDArray[np.uint8]:
    lungs = np.zeros(geometry.shape, np.uint8)
    painted = np.zeros(geometry.shape, bool)
    known = False
    for segment in read_segments(path, geometry):
        label = LUNG_LABELS.get(segment.class_name or "") or lung_of(segment.terminology)
        if label is None:
            if is_lesion(segment.class_name, segment.terminology):
                painted |= segment.mask
            continue
        known = True
        if ((lungs > 0) & (lungs != label) & segment.mask).any():
            raise InputError(f"Right and left lung overlap in {path.name}: correct them first.")
        lungs[segment.mask] = label
    if not known:
        raise InputError(
            f"No segment of {path.name} is coded as a lung or a lobe: in Slicer, set the "
            "terminology of the lungs."
        )
    lungs[painted & (lungs == 0)] = PAINTED_OVER
    return lungs
