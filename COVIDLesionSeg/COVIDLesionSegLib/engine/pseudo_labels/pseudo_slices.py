"""Slices of a CT with pseudo-labels, as a slice folder that is made once."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..evaluation.samples import Sample
from ..evaluation.slice_data import slice_of
from ..labels import CLASSES
from ..lungs import get_extractor
from ..progress import CancelToken
from ..training.slice_folder_writing import write_slice_folder
from ..training.slices import LabelledSlice, read_slice_folder
from ..volume import Volume, read_volume
from .label import pseudo_labels

_SHA256 = "ct_sha256"


def pseudo_labelled_slices(
    ct: Path,
    patient: str,
    folder: Path,
    classes: Sequence[str] = CLASSES,
    cancel: CancelToken | None = None,
) -> list[LabelledSlice]:
    """Every slice with lung, its lungs found by the default extractor, its labels computed.

    Args:
        ct: A file or DICOM folder.
        patient: Whom the CT shows; its slices are called ``patient_007``.
        folder: Slice folder for them, in a folder that exists. What an earlier call wrote into it
            is read; it is complete or as it was.
        classes: ``CLASSES``, or one that takes all lesions together.
        cancel: Looked at between steps.

    Raises:
        InputError: The CT cannot be read or has no lungs; or the folder holds another CT's slices.
        OutputError: The folder cannot be written.
        Cancelled: The token was set.
    """
    volume = read_volume(ct)
    digest = hashlib.sha256(np.ascontiguousarray(volume.array)).hexdigest()
    if not folder.exists():
        slices = _slices(volume, patient, cancel or CancelToken())
        write_slice_folder(slices, folder, [{_SHA256: digest} for _ in slices])
    with (folder / "index.csv").open(newline="", encoding="utf-8") as file:
        if {row.get(_SHA256) for row in csv.DictReader(file)} != {digest}:
            raise InputError(
                f"The pseudo-labels of {patient} are those of another CT: choose another folder."
            )
    return read_slice_folder(folder, with_lungs=True, classes=classes)


def _slices(volume: Volume, patient: str, cancel: CancelToken) -> list[LabelledSlice]:
    lungs = get_extractor().extract(volume.axial, volume.axial_spacing, cancel=cancel).labels
    sample = Sample(
        name=patient,
        patient=patient,
        image=volume.axial,
        windowed=False,
        lesion=pseudo_labels(volume.axial, lungs, volume.axial_spacing, cancel),
        lungs=lungs,
        spacing_mm=volume.axial_spacing,
        pseudo=True,
    )
    return [
        slice_of(sample, index, sample.lesion[index])
        for index in np.flatnonzero(lungs.any(axis=(1, 2)))
    ]
