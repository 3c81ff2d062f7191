"""Segments of a ``.seg.nrrd`` file, as 3D Slicer saves them, on the grid of their CT.

Slicer writes only the box that holds something, and several segments that overlap as several
layers; see its vtkMRMLSegmentationStorageNode.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..labels import CLASS_TAG, segment_id
from .geometry import Geometry
from .images import quiet_itk

SUFFIX = ".seg.nrrd"
_CLASS = re.compile(rf"{re.escape(CLASS_TAG)}:([^|]*)")
_OFF_GRID = 0.05  # voxels


@dataclass(frozen=True)
class Segment:
    """One segment.

    Attributes:
        id, name: As the user sees them in Slicer; an id is not shown.
        class_name: What this software found there, or found before the user corrected it; None for
            a segment of somebody else, such as a copy.
        mask: bool (k, j, i), on the CT's grid.
    """

    id: str
    name: str
    class_name: str | None
    mask: np.ndarray


def holds_segments(path: Path) -> bool:
    """Whether a file is a segmentation: by its name, or, of another NRRD file, by its header."""
    name = path.name.lower()
    if name.endswith(SUFFIX) or not name.endswith(".nrrd"):
        return name.endswith(SUFFIX)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        with quiet_itk():
            reader.ReadImageInformation()
    except RuntimeError:
        return False
    return reader.HasMetaDataKey("Segment0_ID")


def read_segments(path: Path, geometry: Geometry) -> list[Segment]:
    """Every segment of the file, in its order.

    Args:
        path: A ``.seg.nrrd`` file.
        geometry: Grid of the CT.

    Raises:
        InputError: The file cannot be read, holds no segments, or its voxels are not the CT's.
    """
    try:
        with quiet_itk():
            image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InputError(f"{path.name} cannot be read as a segmentation.") from error
    header = {key: image.GetMetaData(key) for key in image.GetMetaDataKeys()}
    numbers = sorted(
        int(match[1]) for key in header if (match := re.fullmatch(r"Segment(\d+)_ID", key))
    )
    if not numbers or image.GetDimension() != 3:
        raise InputError(f"{path.name} holds no segments: save the segmentation from 3D Slicer.")
    into, out_of = _overlap(image, geometry, path.name)
    voxels = sitk.GetArrayViewFromImage(image)
    layers = voxels[..., None] if voxels.ndim == 3 else voxels
    return [_segment(f"Segment{n}_", header, layers, geometry, into, out_of) for n in numbers]


def _segment(
    prefix: str,
    header: dict[str, str],
    layers: np.ndarray,
    geometry: Geometry,
    into: tuple[slice, ...],
    out_of: tuple[slice, ...],
) -> Segment:
    layer = int(header.get(f"{prefix}Layer", 0))
    mask = np.zeros(geometry.shape, dtype=bool)
    mask[into] = layers[(*out_of, layer)] == int(header.get(f"{prefix}LabelValue", 1))
    own_id = header[f"{prefix}ID"]
    tag = _CLASS.search(header.get(f"{prefix}Tags", ""))
    # A copy keeps the tag, but not the id.
    own = tag is not None and segment_id(tag[1]) == own_id
    name = header.get(f"{prefix}Name", own_id)
    return Segment(own_id, name, tag[1] if own else None, mask)


def _overlap(
    image: sitk.Image, geometry: Geometry, name: str
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where the file's voxels lie in the CT, and which of them do; both (k, j, i)."""
    spacing = np.array(geometry.spacing)
    same = np.allclose(image.GetSpacing(), spacing, rtol=1e-3) and np.allclose(
        image.GetDirection(), geometry.direction, atol=1e-3
    )
    direction = np.reshape(geometry.direction, (3, 3))
    first = direction.T @ (np.array(image.GetOrigin()) - geometry.origin) / spacing
    if not same or np.abs(first - np.rint(first)).max() > _OFF_GRID:
        raise InputError(
            f"{name} does not lie on the grid of its CT: in Slicer's Segmentations module, set the "
            "CT as reference and resample the segments to it."
        )
    starts, counts = np.rint(first).astype(int), np.array(image.GetSize())
    low, high = np.maximum(starts, 0), np.minimum(starts + counts, geometry.size)
    high = np.maximum(high, low)
    into = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    out_of = tuple(slice(int(a), int(b)) for a, b in zip(low - starts, high - starts, strict=True))
    return into[::-1], out_of[::-1]
