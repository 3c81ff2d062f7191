"""CTs of the scene for a training, which learns from the confident predictions on them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import slicer

from ...engine.errors import InputError
from ...engine.files import write_bytes
from ...engine.review import case_id_of, patient_key
from ...engine.self_training.frozen_cases import short_id
from ...engine.steps import Steps
from ...engine.volume.exact import CT_FILE, save_volume_in_steps
from ...scene.made_from import volume_and_fingerprint
from ...scene.patients import patient_id
from ...scene.volumes import may_be_ct
from ...worker.retraining import TABLE_FILE

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode


def write_scene_cts(folder: Path) -> Steps[Path | None]:
    """Copy every CT of the scene into a folder, and list them with their patients' keys.

    The training itself leaves out those that have a verdict, and held-out patients.

    Args:
        folder: What is in it already is removed; made if absent.

    Returns:
        The table, or None where the scene has no CT.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rows = ["ct,patient"]
    for node in _volumes():
        if not slicer.mrmlScene.IsNodePresent(node):  # removed between two steps
            continue
        try:
            volume, found = yield from volume_and_fingerprint(node)
        except InputError:  # not a CT in HU
            continue
        case = case_id_of(found)
        known = patient_id(node)
        patient = short_id(patient_key(known)) if known else short_id(case)
        if (folder / case).exists():  # the same CT twice
            continue
        (folder / case).mkdir()
        yield from save_volume_in_steps(volume, folder / case)
        rows.append(f"{case}/{CT_FILE},{patient}")
    if len(rows) == 1:
        return None
    table = folder / TABLE_FILE
    write_bytes(("\n".join(rows) + "\n").encode(), table)
    return table


def _volumes() -> Iterator[vtkMRMLScalarVolumeNode]:
    for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
        if may_be_ct(node):
            yield node
