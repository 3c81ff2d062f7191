"""Choices that belong to one CT, such as a segmentation of its lobes, in the parameter node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer

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
        self._others: dict[str, tuple[Any, str]] = {}

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
        self._others[before] = (getattr(node, segmentation), getattr(node, segments))
        chosen, which = self._others.pop(self._ct_id, (None, ""))
        if chosen is not None and not slicer.mrmlScene.IsNodePresent(chosen):
            chosen, which = None, ""
        setattr(node, segments, which)
        setattr(node, segmentation, chosen)

    def forget(self) -> None:
        """The scene is closed."""
        self._ct_id = ""
        self._others.clear()
