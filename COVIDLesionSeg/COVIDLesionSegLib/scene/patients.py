"""Whose CTs are in a scene, as far as it takes to tell patients apart; nothing of it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import slicer

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode


def patient_id(ct_node: vtkMRMLScalarVolumeNode) -> str:
    """The PatientID of a CT that was loaded from DICOM, or "".

    It goes nowhere but into a hash or a comparison. It is what Slicer's DICOM database has of the
    CT's first file; a CT of a file of another kind, or one that the database does not have, has
    none.
    """
    uids = (ct_node.GetAttribute("DICOM.instanceUIDs") or "").split()
    database = getattr(slicer, "dicomDatabase", None)
    if not uids or database is None or not database.isOpen:
        return ""
    return str(database.instanceValue(uids[0], "0010,0020") or "").strip()


def patient_marks(ct_nodes: Sequence[vtkMRMLScalarVolumeNode]) -> list[str | None]:
    """A mark for each CT: the same for CTs of one PatientID, and no more can be read from it.

    Returns:
        ``"1"`` for the first patient, ``"2"`` for the next, and so on; None where it is not known.
    """
    ids = [patient_id(ct_node) for ct_node in ct_nodes]
    patients = list(dict.fromkeys(filter(None, ids)))
    return [str(patients.index(id_) + 1) if id_ else None for id_ in ids]
