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
        self._reference, self._attribute = (names.ATTRIBUTE_PREFIX + name for name in self._fields)
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
        self._put_on(slicer.mrmlScene.GetNodeByID(before), node)
        segmentation, segments = self._fields
        chosen, which = ct.GetNodeReference(self._reference), ct.GetAttribute(self._attribute) or ""
        self._take_from(ct)  # from now on the parameter node says it
        setattr(node, segments, "" if chosen is None else which)
        setattr(node, segmentation, chosen)

    def keep(self, node: COVIDLesionSegParameterNode) -> None:
        """A scene is about to be added, with choices for its own CT in place of those of ``node``.

        So the CT on show gets them; which CT is on show after that is for the scene to say.
        """
        self._put_on(slicer.mrmlScene.GetNodeByID(self._ct_id) if self._ct_id else None, node)
        self._ct_id = ""

    def _put_on(
        self, ct: vtkMRMLScalarVolumeNode | None, node: COVIDLesionSegParameterNode
    ) -> None:
        """Make what ``node`` holds a reference of the CT that it was chosen for."""
        if ct is None:
            return
        segmentation, segments = self._fields
        chosen = getattr(node, segmentation)
        if chosen is None:
            self._take_from(ct)
            return
        ct.SetNodeReferenceID(self._reference, chosen.GetID())
        ct.SetAttribute(self._attribute, getattr(node, segments))

    def _take_from(self, ct: vtkMRMLScalarVolumeNode) -> None:
        ct.RemoveNodeReferenceIDs(self._reference)
        ct.RemoveAttribute(self._attribute)

    def forget(self) -> None:
        """The scene is closed."""
        self._ct_id = ""
