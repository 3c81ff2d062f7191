"""Whether what a detector found in a CT is of the lungs that the CT's result has now."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from . import names
from .lesion_instances import find_instances, remove_instances
from .prediction import run_of
from .slice_classes import find_slice_classes, remove_slice_classes

if TYPE_CHECKING:
    from slicer import vtkMRMLNode, vtkMRMLScalarVolumeNode

    from .show import SceneResult


def fingerprint_of_lungs(result: SceneResult | None) -> str:
    """A fingerprint of the lungs of a result: another for those of another run, and edited ones.

    An edit counts once it was measured, and is told by the volume of each lung and the area of the
    lungs in every slice. It stays the same when the scene is saved and loaded.

    Args:
        result: As the scene holds it; without one there are no lungs, and it is "".
    """
    if result is None:
        return ""
    severity = result.severity
    sizes = [(region.region, region.lung_ml) for region in severity.regions]
    areas = [(slice_.index, slice_.lung_mm2) for slice_ in severity.slices]
    return hashlib.sha256(json.dumps([run_of(result), sizes, areas]).encode()).hexdigest()


def write_lungs(node: vtkMRMLNode, lungs: str) -> None:
    """Write on a node with what a detector found the fingerprint of the lungs it looked at."""
    node.SetAttribute(names.LUNGS_ATTRIBUTE, lungs)


def remove_what_is_of_other_lungs(ct_node: vtkMRMLScalarVolumeNode, lungs: str) -> None:
    """Remove lesions and classes of slices that a detector found in other lungs of a CT.

    Nodes without a fingerprint stay: they were shown from the console.

    Args:
        ct_node: The CT.
        lungs: Fingerprint of those that it has now.
    """
    instances = find_instances(ct_node, names.DETECTION_ROLE)
    if instances is not None and _of_others(instances[1], lungs):
        remove_instances(ct_node, names.DETECTION_ROLE)
    chart = find_slice_classes(ct_node)
    if chart is not None and _of_others(chart, lungs):
        remove_slice_classes(ct_node)


def _of_others(node: vtkMRMLNode, lungs: str) -> bool:
    return node.GetAttribute(names.LUNGS_ATTRIBUTE) not in (None, lungs)
