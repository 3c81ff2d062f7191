"""Lobes from a file: a segmentation whose codes name them, or a label map and what it means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..lobes import LOBE_LABELS, LOBES, lobe_of, meaning_of_labels
from ..steps import finish
from ..volume import Geometry, read_array
from ..volume.placed_labels import PlacedLabels, labels_on_grid
from ..volume.segmentation_file import holds_segments, read_segments

_MOST_LABELS = 150
"""In one label map; TotalSegmentator's has 117, a CT several hundred values in a slice."""


def read_lobes(path: Path, labels: str | None, geometry: Geometry) -> PlacedLabels:
    """The lobes of a CT.

    Args:
        path: A ``.seg.nrrd`` file, whose lobes are known by their codes; or a label map, on the
            grid of the CT or another one in the same place.
        labels: What the labels of a label map mean, see :func:`~..lobes.meaning_of_labels`.
        geometry: Grid of the CT.

    Raises:
        InputError: The file cannot be read, no segment is coded as a lobe, two overlap, or it is a
            label map and nothing says what its labels mean, or holds none of them, or is a grey
            image.
        ParameterError: ``labels`` cannot be understood.
    """
    if holds_segments(path):
        return _of_segments(path, geometry)
    if labels is None:
        raise InputError(
            f"{path.name} is a label map: say what its labels mean, such as "
            f"{' or '.join(LOBE_LABELS)}.",
            option="lobe_labels",
        )
    meaning = meaning_of_labels(labels)
    voxels, grid = read_array(path)
    if not np.issubdtype(voxels.dtype, np.integer):
        if (voxels != np.rint(voxels)).any():
            raise InputError(f"{path.name} holds no labels: give a label map of the lobes.")
        voxels = voxels.astype(np.int32)
    if _is_grey(voxels):
        raise InputError(
            f"{path.name} is a grey image, such as the CT itself, and holds no labels: give a "
            "label map of the lobes."
        )
    if not np.isin(voxels, list(meaning)).any():
        raise InputError(
            f"{path.name} holds none of the labels {', '.join(map(str, sorted(meaning)))}: check "
            "what its labels mean."
        )
    return PlacedLabels(voxels, grid.ijk_to_ras, meaning)


def _is_grey(voxels: npt.NDArray[Any]) -> bool:
    """Whether an image of whole numbers is none of labels, among which a few would be lobes'."""
    values: set[int] = set()
    for one in voxels:
        values.update(np.unique(one).tolist())
        if min(values) < 0 or len(values) > _MOST_LABELS:
            return True
    return False


def _of_segments(path: Path, geometry: Geometry) -> PlacedLabels:
    lobes = [
        PlacedLabels(segment.mask, geometry.ijk_to_ras, {1: lobe})
        for segment in read_segments(path, geometry)
        if (lobe := lobe_of(segment.terminology)) is not None
    ]
    names = dict(enumerate(LOBES, start=1))
    labels = {name: label for label, name in names.items()}
    voxels = finish(labels_on_grid(lobes, labels, geometry))
    if not voxels.any():
        raise InputError(
            f"No segment of {path.name} is coded as a lobe: in Slicer, set the terminology of the "
            "lobes."
        )
    return PlacedLabels(voxels, geometry.ijk_to_ras, names)
