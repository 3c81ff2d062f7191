"""Slices of a CT to learn from: with pseudo-labels, or without labels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
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
from .lung_field import lung_field
from .pseudo_labels import pseudo_labels

_SHA256 = "ct_sha256"
"""Column of a slice folder's index: which CT, and how it was labelled."""


@dataclass(frozen=True)
class Labelling:
    """How the slices of a CT are labelled.

    Attributes:
        rule: As for :func:`.pseudo_labels.pseudo_labels`.
        thesis_lungs: Lungs by :func:`.lung_field.lung_field`, instead of the default extractor's.
        thesis_slices: Only the slices "p-3 and p-2" of the thesis, p being the middle slice.
    """

    rule: str = "density"
    thesis_lungs: bool = False
    thesis_slices: bool = False


def pseudo_labelled_slices(
    ct: Path,
    patient: str,
    folder: Path,
    classes: Sequence[str] = CLASSES,
    cancel: CancelToken | None = None,
    labelling: Labelling = Labelling(),
) -> list[LabelledImage]:
    """Every slice with lung, its labels computed.

    Args:
        ct: A file or DICOM folder.
        patient: The patient of the CT; its slices are called ``patient_007``.
        folder: Slice folder for them, in a folder that exists. If an earlier call wrote it, it is
            read; it is complete or as it was.
        classes: ``CLASSES``, or one that takes all lesions together.
        cancel: Looked at between steps.
        labelling: How they are labelled.

    Raises:
        InputError: The CT cannot be read or has no lungs; or the folder holds another CT's slices,
            or slices that were labelled otherwise.
        OutputError: The folder cannot be written.
        Cancelled: The token was set.
    """
    volume = read_volume(ct)
    digest = hashlib.sha256(np.ascontiguousarray(volume.array).data).hexdigest()
    if labelling != Labelling():
        digest += f" {labelling}"
    if not folder.exists():
        slices = _slices(volume, patient, cancel or CancelToken(), labelling)
        write_slice_folder(slices, folder, [{_SHA256: digest} for _ in slices])
    if {row.get(_SHA256) for row in read_table(folder / INDEX_CSV).rows} != {digest}:
        raise InputError(
            f"The pseudo-labels of {patient} are those of another CT, or were made in another way: "
            "choose another folder."
        )
    return read_slice_folder(folder, with_lungs=True, classes=classes)


def unlabelled_slices(
    ct: Path, patient: str, cancel: CancelToken, labelling: Labelling = Labelling()
) -> list[LabelledImage]:
    """Every slice with lung of a CT, without labels; raises InputError as the other does."""
    return _slices(read_volume(ct), patient, cancel, labelling, labelled=False)


def _slices(
    volume: Volume, patient: str, cancel: CancelToken, labelling: Labelling, labelled: bool = True
) -> list[LabelledImage]:
    axial, spacing = volume.axial, volume.axial_spacing
    if labelling.thesis_lungs:
        lungs = lung_field(axial).astype(np.uint8)
    else:
        lungs = get_extractor().extract(axial, spacing, cancel=cancel).labels
    if labelling.thesis_slices:
        middle = len(lungs) // 2
        chosen = np.isin(np.arange(len(lungs)), (middle - 3, middle - 2))
        lungs = lungs * chosen[:, None, None].astype(lungs.dtype)
    if not lungs.any():
        raise InputError(
            f"No lungs were found in the slices of {patient} that are to be learned from: check "
            "that the CT is whole slices, in HU, or take all slices."
        )
    if labelled:
        lesion = pseudo_labels(axial, lungs, spacing, cancel, labelling.rule)
    else:
        lesion = np.zeros(axial.shape, np.uint8)
    sample = LabelledImage(
        name=patient,
        patient=patient,
        image=axial,
        windowed=False,
        lesion=lesion,
        lungs=lungs,
        spacing_mm=spacing,
        pseudo=True,
    )
    return list(sample.slices_with_lung())
