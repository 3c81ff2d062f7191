"""What the panel says of a result that is none any more, because one of its nodes was deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from ...scene import names
from ...scene.nodes import lost_role

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode


def lost_sentence(ct: vtkMRMLScalarVolumeNode) -> str:
    """Which node of the CT's result was deleted, and what to do; "" where none was."""
    role = lost_role(ct)
    if role == names.SEGMENTATION_ROLE:
        return str(_("The segmentation of this result was deleted: run again to get one."))
    if role == names.PROBABILITY_ROLE:
        return str(
            _(
                "The lesion probability of this result was deleted, so no figures are shown: run "
                "again."
            )
        )
    return ""
