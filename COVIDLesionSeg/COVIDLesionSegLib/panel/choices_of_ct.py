"""Choices that belong to one CT, such as a segmentation of its lobes, in the parameter node.

Those of the CTs that are not on show are references of these CTs, so that the scene holds them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import slicer

from ..scene import names

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode

    from .parameter_node import COVIDLesionSegParameterNode


class ChoicesOfCt:
    """Keeps what was chosen for one CT from being taken for another's, and brings it back."""

    def __init__(self, segmentation: str, segments: str) -> None:
        """
        Args:
            segmentation: The parameter that holds a segmentation, or None.
            segments: The parameter that says which segment is which, or "".
        """
        self._fields = (segmentation, segments)
        self._ct_id = ""

    def follow(
        self, node: COVIDLesionSegParameterNode | None, ct: vtkMRMLScalarVolumeNode | None
    ) -> None:
        """This CT is on show now; what ``node`` holds was chosen for the one before."""
        if node is None or ct is None or ct.GetID() == self._ct_id:
            return
        before, self._ct_id = self._ct_id, ct.GetID()
        if not before:  # a scene was loaded, with what was chosen for this CT
            return
        segmentation, segments = self._fields
        reference, attribute = (names.ATTRIBUTE_PREFIX + name for name in self._fields)
        left = slicer.mrmlScene.GetNodeByID(before)
        chosen = getattr(node, segmentation)
        if left is not None and chosen is not None:
            left.SetNodeReferenceID(reference, chosen.GetID())
            left.SetAttribute(attribute, getattr(node, segments))
        # From now on the parameter node says it.
        chosen, which = ct.GetNodeReference(reference), ct.GetAttribute(attribute) or ""
        ct.RemoveNodeReferenceIDs(reference)
        ct.RemoveAttribute(attribute)
        setattr(node, segments, "" if chosen is None else which)
        setattr(node, segmentation, chosen)

    def forget(self) -> None:
        """The scene is closed."""
        self._ct_id = ""
