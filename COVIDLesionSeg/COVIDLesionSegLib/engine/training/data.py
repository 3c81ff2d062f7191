"""Who is learned from, who judges: training data split by patient."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..volume import read_volume
from .slices import LabelledSlice, clean_slices, read_slice_folder


@dataclass(frozen=True)
class TrainingData:
    """Slices of three groups of patients, no patient in two of them.

    Attributes:
        training: Slices in HU to learn from, infected and clean.
        validation: Slices of patients that are never learned from.
        outside: Windowed slices from elsewhere, never learned from.
    """

    training: list[LabelledSlice]
    validation: list[LabelledSlice]
    outside: list[LabelledSlice]

    def __post_init__(self) -> None:
        learned = patients_of(self.training)
        if shared := learned & (patients_of(self.validation) | patients_of(self.outside)):
            raise InputError(
                f"These patients are both learned from and judged on: {', '.join(sorted(shared))}; "
                "name each patient once."
            )

    def describe(self) -> dict[str, Any]:
        """Slices per patient and group, for a model's card."""
        return {
            "training": _slices_per_patient(self.training),
            "validation": _slices_per_patient(self.validation),
            "outside": _slices_per_patient(self.outside),
        }


def patients_of(slices: Sequence[LabelledSlice]) -> set[str]:
    """The patients that slices belong to."""
    return {item.patient for item in slices}


def read_training_data(
    slice_folder: Path,
    validation: Sequence[str],
    clean_ct: Path | None = None,
    clean_labels: Path | None = None,
) -> TrainingData:
    """Read a slice folder, and the lesion-free slices of a CT.

    Patients of the folder that are not ``validation`` are learned from, except those whose images
    were windowed before they were stored: they judge from outside.

    Args:
        slice_folder: See :func:`read_slice_folder`.
        validation: Patients kept for validation.
        clean_ct: A CT, file or DICOM folder, some slices of which are free of lesions.
        clean_labels: JSON with ``slices``, their number, and ``infected``, the indices, from 0 at
            the inferior end, of those that are not.

    Raises:
        InputError: A file is missing or damaged, or a patient of ``validation`` is not there.
    """
    slices = read_slice_folder(slice_folder)
    if missing := set(validation) - patients_of(slices):
        raise InputError(f"The slice folder has no patient {', '.join(sorted(missing))}.")
    training = [s for s in slices if s.patient not in validation and not s.windowed]
    if clean_ct is not None:
        if clean_labels is None:
            raise InputError("The clean CT needs the list of its infected slices beside it.")
        volume = read_volume(clean_ct)
        labels = json.loads(clean_labels.read_text(encoding="utf-8"))
        if labels["slices"] != volume.axial.shape[0]:
            raise InputError(
                f"The list of infected slices is for {labels['slices']} slices, but the clean CT "
                f"has {volume.axial.shape[0]}."
            )
        clean = sorted(set(range(labels["slices"])) - set(labels["infected"]))
        training += clean_slices(volume, clean, Path(clean_ct).name)
    return TrainingData(
        training=training,
        validation=[s for s in slices if s.patient in validation],
        outside=[s for s in slices if s.windowed],
    )


def _slices_per_patient(slices: Sequence[LabelledSlice]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for item in slices:
        counts[item.patient] = counts.get(item.patient, 0) + 1
    return counts
