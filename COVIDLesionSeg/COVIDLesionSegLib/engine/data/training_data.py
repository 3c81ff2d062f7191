"""Training data: slices from all sources, split by patient."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..labels import LESION
from ..lungs.methods import get_extractor
from ..progress import CancelToken
from ..volume import read_volume
from .ct_table import read_labelled_volumes
from .labelled import LabelledImage, lesion_free_slices
from .slice_folder import read_slice_folder
from .splits import check_patients_apart, patients_in, slices_without


@dataclass(frozen=True)
class TrainingData:
    """Slices of three groups of patients, no patient in two of them.

    Attributes:
        training: Slices in HU, with and without lesions.
        validation: Slices of patients that are never trained on.
        outside: Windowed slices from elsewhere, never trained on.

    Raises:
        InputError: A patient is in two groups.
    """

    training: list[LabelledImage]
    validation: list[LabelledImage]
    outside: list[LabelledImage]

    def __post_init__(self) -> None:
        check_patients_apart(self.training, [*self.validation, *self.outside])
        check_patients_apart(self.validation, self.outside)

    @property
    def held_out_patients(self) -> set[str]:
        """Those of ``validation`` and of ``outside``."""
        return patients_in([*self.validation, *self.outside])

    def describe(self) -> dict[str, Any]:
        """Slices per patient and group, for a model's card.

        ``pseudo_labels`` are those of ``training`` with pseudo-labels, if there are any.
        """
        pseudo = _slices_per_patient([item for item in self.training if item.pseudo])
        return {
            "training": _slices_per_patient(self.training),
            "validation": _slices_per_patient(self.validation),
            "outside": _slices_per_patient(self.outside),
            **({"pseudo_labels": pseudo} if pseudo else {}),
        }


def read_training_data(
    slice_folders: Sequence[Path],
    validation: Sequence[str],
    clean_ct: Path | None = None,
    clean_labels: Path | None = None,
    clean_name: str = "clean-ct",
    with_lungs: bool = False,
    volumes: Path | None = None,
    cancel: CancelToken | None = None,
    classes: Sequence[str] = (LESION,),
    windowed: Sequence[Path] = (),
    infected_class: str = "",
) -> TrainingData:
    """Read slice folders, CTs with their masks, and the lesion-free slices of a CT.

    Patients that are not ``validation`` are trained on, except those whose images were windowed
    before they were stored: these are for evaluation only.

    Args:
        slice_folders: See :func:`read_slice_folder`.
        validation: Patients kept for validation.
        clean_ct: A CT, file or DICOM folder, some slices of which are free of lesions.
        clean_labels: JSON with ``slices``, their number, and ``infected``, the indices, from 0 at
            the inferior end, of those with lesions.
        clean_name: What to call that CT in the model's card; no patient data.
        with_lungs: Read the masks of the lungs as well; those of the clean CT are found.
        volumes: CSV file of CTs and masks, see :func:`read_labelled_volumes`.
        cancel: Looked at before every CT.
        classes: Lesion classes to tell apart: those of a recipe.
        windowed: Those slice folders whose windowed images are trained on like the others.
        infected_class: Read the infected slices of the clean CT, too, as slices of this class whose
            lesions are not outlined; "" to leave them out.

    Raises:
        InputError: A file is missing or damaged, there are no data, a slice is there twice, a
            patient of ``validation`` is not there, or slices for evaluation have pseudo-labels.
        Cancelled: The token was set.
    """

    def read(folders: Sequence[Path]) -> list[LabelledImage]:
        found = [read_slice_folder(folder, None, with_lungs, classes) for folder in folders]
        return [item for items in found for item in items]

    also_windowed = read(windowed)
    learned_windowed = patients_in(also_windowed)
    slices = [*read(slice_folders), *also_windowed]
    if volumes is not None:
        slices += read_labelled_volumes(volumes, cancel, classes)
    if not slices:
        raise InputError("There is nothing to learn from: name a slice folder, or a list of CTs.")
    counts = Counter((item.patient, item.name) for item in slices)
    if twice := [name for (_, name), count in counts.items() if count > 1]:
        raise InputError(
            f"The slice {twice[0]} is in the data twice: name each source once, and give CTs of "
            "the same patient different names."
        )
    if missing := set(validation) - patients_in(slices):
        raise InputError(
            f"The data have no patient {', '.join(sorted(missing))}; they have: "
            f"{', '.join(sorted(patients_in(slices)))}."
        )
    others = slices_without(slices, validation)
    training = [s for s in others if not s.windowed or s.patient in learned_windowed]
    if clean_ct is not None:
        if clean_labels is None:
            raise InputError("The clean CT needs the list of its infected slices beside it.")
        training += _read_clean_ct(clean_ct, clean_labels, clean_name, with_lungs, infected_class)
    outside = [s for s in others if s.windowed and s.patient not in learned_windowed]
    if pseudo := [s for s in outside if s.pseudo]:
        raise InputError(
            f"The slices of patient {pseudo[0].patient} are windowed, so models are scored on "
            "them, but they have pseudo-labels, which nobody checked: give their folder as one of "
            "windowed slices to learn from, or leave it out."
        )
    return TrainingData(
        training=training,
        validation=[s for s in slices if s.patient in validation],
        outside=outside,
    )


def _read_clean_ct(
    ct: Path, labels: Path, name: str, with_lungs: bool, infected_class: str
) -> list[LabelledImage]:
    """The slices of the clean CT; arguments and errors as for :func:`read_training_data`."""
    volume = read_volume(ct)
    clean = _clean_indices(labels, volume.axial.shape[0])
    lungs = None
    if with_lungs:
        lungs = get_extractor().extract(volume.axial, volume.axial_spacing).labels
    slices = lesion_free_slices(volume, clean, name, lungs)
    if infected_class:
        infected = sorted(set(range(volume.axial.shape[0])) - set(clean))
        slices += [
            replace(item, slice_class=infected_class)
            for item in lesion_free_slices(volume, infected, name, lungs)
        ]
    return slices


def _clean_indices(labels: Path, slices: int) -> list[int]:
    try:
        values = json.loads(labels.read_text(encoding="utf-8"))
        listed, infected = int(values["slices"]), {int(index) for index in values["infected"]}
    except (OSError, ValueError, KeyError, TypeError, ArithmeticError, RecursionError) as error:
        raise InputError(
            "The list of infected slices cannot be read: it is JSON with 'slices', a number, and "
            "'infected', a list of slice indices."
        ) from error
    if listed != slices:
        raise InputError(
            f"The list of infected slices is for {listed} slices, but the clean CT has {slices}."
        )
    return sorted(set(range(slices)) - infected)


def _slices_per_patient(slices: Sequence[LabelledImage]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for item in slices:
        counts[item.patient] = counts.get(item.patient, 0) + 1
    return counts
