"""Segments of a ``.seg.nrrd`` file, as 3D Slicer saves them, on the grid of their CT.

Slicer writes only the box that holds something, and several segments that overlap as several
layers; see its vtkMRMLSegmentationStorageNode.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from ..errors import InputError
from ..labels import CLASS_TAG, segment_id
from ..text import thousands
from .checks import check_grid, check_size
from .file_header import check_complete
from .geometry import Geometry
from .images import geometry_of
from .reading import check_agreement, execute, open_image, readable, voxel_bytes
from .text_header import read_nrrd_header

SUFFIX = ".seg.nrrd"
_ID = re.compile("Segment(0|[1-9][0-9]{0,5})_ID")
_CLASS = re.compile(rf"{re.escape(CLASS_TAG)}:([^|]*)")
_TERMINOLOGY = re.compile(r"TerminologyEntry:([^|]*)")
_LABELS = range(1, 2**16)  # 0 is background; Slicer's labels are of 8 or 16 bits
_OFF_GRID = 0.05  # voxels
_SAME_AXES = 1e-3


@dataclass(frozen=True)
class Segment:
    """One segment.

    Attributes:
        id, name: As the user sees them in Slicer; an id is not shown.
        class_name: What this software found there, or found before the user corrected it; None for
            a segment of somebody else, such as a copy.
        mask: bool (k, j, i), on the CT's grid.
        terminology: Its coded term as Slicer writes it, or "".
    """

    id: str
    name: str
    class_name: str | None
    mask: npt.NDArray[np.bool_]
    terminology: str = ""


def holds_segments(path: Path) -> bool:
    """Whether a file is a segmentation: by its name, or, of another NRRD file, by its header."""
    name = path.name.lower()
    if name.endswith(SUFFIX) or not name.endswith(".nrrd"):
        return name.endswith(SUFFIX)
    try:
        return any(_ID.fullmatch(key) for key in read_nrrd_header(path).keys)
    except (InputError, OSError):
        return False


def read_segments(path: Path, geometry: Geometry) -> list[Segment]:
    """Every segment of the file, in its order.

    Args:
        path: A ``.seg.nrrd`` file.
        geometry: Grid of the CT.

    Raises:
        InputError: The file cannot be read whole, holds no segments, states a layer or label that
            it cannot have, marks voxels for no segment, or its voxels are not the CT's.
    """
    path = readable(path)
    try:
        reader, file_header = open_image(path)
    except InputError as error:
        raise InputError(f"{path.name} cannot be read as a segmentation: {error}") from error
    # SimpleITK refuses to look up a key that is not UTF-8.
    keys = [key for key in reader.GetMetaDataKeys() if key.isascii()]
    header = {key: str(reader.GetMetaData(key)) for key in keys}
    numbers = sorted(int(match[1]) for key in header if (match := _ID.fullmatch(key)))
    if not numbers or reader.GetDimension() != 3:
        raise InputError(f"{path.name} holds no segments: save the segmentation from 3D Slicer.")
    own_grid = geometry_of(reader)
    check_size((*own_grid.size, reader.GetNumberOfComponents()))
    check_grid(own_grid)
    check_agreement(reader, file_header, file_header.size[-3:])
    into, out_of = _overlap(own_grid, geometry, path.name)
    check_complete(file_header, voxel_bytes(reader))
    voxels = sitk.GetArrayFromImage(execute(reader, path))
    layers = voxels[..., None] if voxels.ndim == 3 else voxels
    segments = []
    counts: dict[tuple[int, int], int] = {}
    for number, (layer, label) in _places(numbers, header, layers.shape[-1], path.name).items():
        marked = layers[..., layer] == label
        mask = np.zeros(geometry.shape, dtype=bool)
        mask[into] = marked[out_of]
        counts[layer, label] = int(np.count_nonzero(marked))
        if np.count_nonzero(mask) < counts[layer, label]:
            raise InputError(
                f"{path.name} marks voxels outside its CT: in Slicer's Segmentations module, set "
                "the CT as reference and resample the segments to it."
            )
        segments.append(_segment(f"Segment{number}_", header, mask))
    if np.count_nonzero(layers) > sum(counts.values()):
        raise InputError(
            f"{path.name} is damaged: it marks voxels with a label that belongs to no segment; "
            "save the segmentation from 3D Slicer again."
        )
    return segments


def _places(
    numbers: list[int], header: dict[str, str], layers: int, name: str
) -> dict[int, tuple[int, int]]:
    """Layer and label of each segment; Slicer before 4.11 gave each a layer and stated neither."""
    fields = {n: (f"Segment{n}_Layer", f"Segment{n}_LabelValue") for n in numbers}
    if layers == len(numbers) and not any(set(both) & set(header) for both in fields.values()):
        return {number: (layer, 1) for layer, number in enumerate(numbers)}
    only_layer = "0" if layers == 1 else ""
    return {
        number: (
            _number(layer, header.get(layer, only_layer), range(layers), name),
            _number(label, header.get(label, ""), _LABELS, name),
        )
        for number, (layer, label) in fields.items()
    }


def _number(field: str, text: str, allowed: range, name: str) -> int:
    if not re.fullmatch(r" *-?[0-9]{1,10} *", text) or int(text) not in allowed:
        raise InputError(
            f"{name} is damaged: its {field} is '{text[:40]}', but must be a whole number from "
            f"{allowed[0]} to {thousands(allowed[-1])}; save the segmentation from 3D Slicer again."
        )
    return int(text)


def _segment(prefix: str, header: dict[str, str], mask: npt.NDArray[np.bool_]) -> Segment:
    own_id = header[f"{prefix}ID"]
    tags = header.get(f"{prefix}Tags", "")
    tag = _CLASS.search(tags)
    term = _TERMINOLOGY.search(tags)
    class_name = tag[1] if tag is not None else None
    # A copy keeps the tag, but not the id.
    own = class_name is not None and segment_id(class_name) == own_id
    name = header.get(f"{prefix}Name", own_id)
    return Segment(own_id, name, class_name if own else None, mask, term[1] if term else "")


def _overlap(
    stored: Geometry, geometry: Geometry, name: str
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where the file's voxels lie in the CT, and which of them do; both (k, j, i)."""
    size = np.array(stored.size)
    corners = np.array([[0, 0, 0, 1], [*(size - 1), 1]], dtype=float)
    to_index = np.linalg.inv(geometry.ijk_to_lps) @ stored.ijk_to_lps
    first, last = (corners @ to_index.T)[:, :3]
    starts = np.rint(first).astype(int)
    # Two corners do not show a turn about the line between them.
    turned = np.abs(to_index[:3, :3] - np.eye(3)).max() > _SAME_AXES
    if turned or np.abs([first - starts, last - starts - (size - 1)]).max() > _OFF_GRID:
        raise InputError(
            f"{name} does not lie on the grid of its CT: in Slicer's Segmentations module, set the "
            "CT as reference and resample the segments to it."
        )
    low, high = np.maximum(starts, 0), np.minimum(starts + size, geometry.size)
    high = np.maximum(high, low)
    into = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    out_of = tuple(slice(int(a), int(b)) for a, b in zip(low - starts, high - starts, strict=True))
    return into[::-1], out_of[::-1]
