"""Slices of a CT with pseudo-labels, as a slice folder that is made once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..data.labelled import LabelledImage
from ..data.slice_folder import read_slice_folder, write_slice_folder
from ..data.slice_index import INDEX_CSV
from ..data.tables import read_table
from ..errors import InputError
from ..labels import CLASSES
from ..lungs import get_extractor
from ..progress import CancelToken
from ..volume import Volume, read_volume
from .pseudo_labels import pseudo_labels

_SHA256 = "ct_sha256"


def pseudo_labelled_slices(
    ct: Path,
    patient: str,
    folder: Path,
    classes: Sequence[str] = CLASSES,
    cancel: CancelToken | None = None,
) -> list[LabelledImage]:
    """Every slice with lung, its lungs found by the default extractor, its labels computed.

    Args:
        ct: A file or DICOM folder.
        patient: The patient of the CT; its slices are called ``patient_007``.
        folder: Slice folder for them, in a folder that exists. If an earlier call wrote it, it is
            read; it is complete or as it was.
        classes: ``CLASSES``, or one that takes all lesions together.
        cancel: Looked at between steps.

    Raises:
        InputError: The CT cannot be read or has no lungs; or the folder holds another CT's slices.
        OutputError: The folder cannot be written.
        Cancelled: The token was set.
    """
    volume = read_volume(ct)
    digest = hashlib.sha256(np.ascontiguousarray(volume.array).data).hexdigest()
    if not folder.exists():
        slices = _slices(volume, patient, cancel or CancelToken())
        write_slice_folder(slices, folder, [{_SHA256: digest} for _ in slices])
    if {row.get(_SHA256) for row in read_table(folder / INDEX_CSV).rows} != {digest}:
        raise InputError(
            f"The pseudo-labels of {patient} are those of another CT: choose another folder."
        )
    return read_slice_folder(folder, with_lungs=True, classes=classes)


def _slices(volume: Volume, patient: str, cancel: CancelToken) -> list[LabelledImage]:
    lungs = get_extractor().extract(volume.axial, volume.axial_spacing, cancel=cancel).labels
    sample = LabelledImage(
        name=patient,
        patient=patient,
        image=volume.axial,
        windowed=False,
        lesion=pseudo_labels(volume.axial, lungs, volume.axial_spacing, cancel),
        lungs=lungs,
        spacing_mm=volume.axial_spacing,
        pseudo=True,
    )
    return list(sample.slices_with_lung())
