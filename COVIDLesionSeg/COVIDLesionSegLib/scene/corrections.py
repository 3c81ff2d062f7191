"""Corrections that the user made to the lungs and lesions of a run: noticed, and never lost."""

from __future__ import annotations

import hashlib
import itertools
import json
from typing import TYPE_CHECKING, TypedDict

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from ..engine.flags import Flag
from ..engine.volume import AxialOrder, Geometry
from . import names
from .images import matrix_to_array
from .segmentation import BINARY_LABELMAP, bounding_box, own_segment_ids

if TYPE_CHECKING:
    from slicer import vtkMRMLSegmentationNode, vtkOrientedImageData, vtkSegmentation

_CORNER_TOLERANCE_MM = 0.05


class _Fingerprint(TypedDict):
    """SHA-256 of the voxels inside the bounding box, and its lowest corner (RAS, mm)."""

    sha256: str
    corner: list[float] | None


_EMPTY: _Fingerprint = {"sha256": "", "corner": None}


def remember_segments(node: vtkMRMLSegmentationNode) -> None:
    """Note the present content of this package's segments as that of the run."""
    fingerprints = {id_: _fingerprint(node, id_) for id_ in own_segment_ids(node)}
    node.SetAttribute(names.FINGERPRINTS_ATTRIBUTE, json.dumps(fingerprints, sort_keys=True))


def corrected_segment_ids(node: vtkMRMLSegmentationNode) -> list[str]:
    """Ids of this package's segments whose voxels are not those of the run any more."""
    remembered = json.loads(node.GetAttribute(names.FINGERPRINTS_ATTRIBUTE) or "{}")
    return [
        id_
        for id_ in own_segment_ids(node)
        if not _same(remembered.get(id_), _fingerprint(node, id_))
    ]


def is_corrected(node: vtkMRMLSegmentationNode) -> bool:
    """Whether the user edited or removed a segment since the run."""
    remembered = json.loads(node.GetAttribute(names.FINGERPRINTS_ATTRIBUTE) or "{}")
    return set(remembered) != set(own_segment_ids(node)) or bool(corrected_segment_ids(node))


def keep_corrections(node: vtkMRMLSegmentationNode) -> tuple[Flag, ...]:
    """Copy corrected segments to segments of the user's own, before a run replaces them.

    Returns:
        A note that names the copies, or nothing where nothing was corrected.
    """
    copies = [_copy_for_user(node, id_) for id_ in corrected_segment_ids(node)]
    if not copies:
        return ()
    listed = ", ".join(f"'{name}'" for name in copies)
    return (Flag("corrections-kept", f"Your corrections were kept as {listed}.", level="note"),)


def _copy_for_user(node: vtkMRMLSegmentationNode, segment_id: str) -> str:
    segmentation = node.GetSegmentation()
    corrected = segmentation.GetSegment(segment_id)
    copy = slicer.vtkSegment()
    copy.SetName(_free_name(segmentation, f"{corrected.GetName()} (corrected)"))
    copy.SetColor(corrected.GetColor())
    terminology = vtk.mutable("")
    if corrected.GetTag("TerminologyEntry", terminology):
        copy.SetTag("TerminologyEntry", str(terminology))
    copy.AddRepresentation(BINARY_LABELMAP, _binary_labelmap(node, segment_id))
    copy_id = segmentation.GenerateUniqueSegmentID(f"{segment_id}-corrected")
    segmentation.AddSegment(copy, copy_id)
    display = node.GetDisplayNode()
    display.SetSegmentOpacity3D(copy_id, display.GetSegmentOpacity3D(segment_id))
    display.SetSegmentOpacity2DFill(copy_id, display.GetSegmentOpacity2DFill(segment_id))
    return str(copy.GetName())


def _free_name(segmentation: vtkSegmentation, name: str) -> str:
    count = segmentation.GetNumberOfSegments()
    taken = {segmentation.GetNthSegment(index).GetName() for index in range(count)}
    numbered = (f"{name} {number}" for number in itertools.count(2))
    return next(one for one in itertools.chain([name], numbered) if one not in taken)


def _binary_labelmap(node: vtkMRMLSegmentationNode, segment_id: str) -> vtkOrientedImageData:
    """One segment as an image of its own, below the node's parent transform."""
    image = slicer.vtkOrientedImageData()
    node.GetBinaryLabelmapRepresentation(segment_id, image)
    return image


def _fingerprint(node: vtkMRMLSegmentationNode, segment_id: str) -> _Fingerprint:
    """Slicer crops layers, and reverses axes when it reads a scene: neither changes it."""
    image = _binary_labelmap(node, segment_id)
    scalars = image.GetPointData().GetScalars()
    if scalars is None or scalars.GetNumberOfTuples() == 0:
        return _EMPTY
    array = vtk_to_numpy(scalars).reshape(image.GetDimensions()[::-1]) != 0
    box = bounding_box(array)
    if box is None:
        return _EMPTY
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    ijk_to_ras = matrix_to_array(matrix)
    first = np.array([axis.start for axis in reversed(box)]) + image.GetExtent()[0::2]
    last = np.array([axis.stop - 1 for axis in reversed(box)]) + image.GetExtent()[0::2]
    corners = itertools.product(*zip(first, last, strict=True))
    positions = np.array([[*corner, 1.0] for corner in corners]) @ ijk_to_ras.T
    grid = Geometry.from_ijk_to_ras(ijk_to_ras, array.shape[::-1])
    voxels = AxialOrder.of(grid).to_axial(array[box])
    content = f"{voxels.shape}".encode() + np.packbits(voxels).tobytes()
    return {
        "sha256": hashlib.sha256(content).hexdigest(),
        "corner": positions[:, :3].min(axis=0).round(3).tolist(),
    }


def _same(first: _Fingerprint | None, second: _Fingerprint) -> bool:
    if first is None or first["sha256"] != second["sha256"]:
        return False
    if first["corner"] is None or second["corner"] is None:
        return first["corner"] is second["corner"]
    return np.allclose(first["corner"], second["corner"], rtol=0, atol=_CORNER_TOLERANCE_MM)
