"""Labels that people submitted, as the reviewed cases that the job ``retrain`` learns from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine.errors import InputError
from ..engine.followup.dicom_facts import patient_id
from ..engine.labels import LUNG_LABELS
from ..engine.lesions import lungs_with_lesions
from ..engine.models.catalogue import load_catalogue
from ..engine.parameters import Parameters
from ..engine.review import (
    ReviewedCase,
    Verdict,
    case_id,
    patient_key,
    read_case,
    read_cases,
    remove_case,
    result_on,
    save_case,
    save_labels,
    save_verdict,
)
from ..engine.text import printable
from ..engine.volume import Geometry, read_array, read_volume, same_grid
from .prediction import predict

_CLIENT_NAMES = ("name", "idx")
"""Of a segment in what Slicer's client submits with a label map."""


@dataclass(frozen=True)
class LabelledCt:
    """A CT of the server and the label map that somebody submitted for it.

    Attributes:
        ct: File or DICOM folder.
        label: Label map on the grid of the CT.
        names: What its values stand for, as the client says; empty where it does not.
    """

    ct: Path
    label: Path
    names: dict[int, str]


def names_of_values(info: Any) -> dict[int, str]:
    """What the values of a label map stand for, by the ``label_info`` that a client submitted."""
    listed = info.get("label_info") if isinstance(info, dict) else None
    return {
        int(one["idx"]): str(one["name"])
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict) and all(key in one for key in _CLIENT_NAMES)
    }


def read_label(
    labelled: LabelledCt, geometry: Geometry, classes: Sequence[str]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8] | None]:
    """Lesions, and the lungs where the label map has both.

    Args:
        labelled: Whose label map is read.
        geometry: Grid of the CT.
        classes: Of the model: without names the values are 1 for the first, and so on.

    Returns:
        Shape (k, j, i): n + 1 for class n; 1 right and 2 left lung, with the lesions in them.

    Raises:
        InputError: The label map cannot be read, is not on the grid, or holds something else.
    """
    name = printable(labelled.label.name)
    array, grid = read_array(labelled.label)
    if not same_grid(grid, geometry):
        raise InputError(f"The label {name} does not lie on the grid of its CT: submit it again.")
    meaning = labelled.names or dict(enumerate(classes, start=1))
    numbers = {class_: number for number, class_ in enumerate(classes, start=1)}
    lesions, lungs = (np.zeros(geometry.shape, np.uint8) for _ in range(2))
    for value in np.unique(array[array != 0]).tolist():
        what = meaning.get(value, "").strip()
        if what in numbers:
            lesions[array == value] = numbers[what]
        elif what in LUNG_LABELS:
            lungs[array == value] = LUNG_LABELS[what]
        else:
            raise InputError(
                f"The label {name} holds the value {value:g}, {printable(repr(what))}: it may hold "
                f"{', '.join(classes)}, right lung and left lung; remove the rest, and submit it "
                "again."
            )
    both = all((lungs == number).any() for number in LUNG_LABELS.values())
    return lesions, lungs_with_lesions(lungs, lesions, geometry) if both else None


def collect_cases(
    labelled: Iterable[LabelledCt],
    model: str,
    folder: Path,
    tell: Callable[[str], None] = lambda text: None,
) -> list[ReviewedCase]:
    """Make the reviewed cases in ``folder`` those of these labels, and no others.

    A CT is segmented once with these weights; of it is kept what the panel's *Review* keeps.
    A patient is known by the DICOM PatientID only: of other CTs each counts as a patient.

    Args:
        labelled: CTs and their labels.
        model: Id of the model that is to learn from them.
        folder: Of the reviewed cases; its keys of patients stay the same as long as it is there.
        tell: Called with what is done next.

    Raises:
        CovidLesionSegError: A CT or label cannot be used.
    """
    card = load_catalogue().get(model).card
    weights = {model: card.trained_weights.sha256}
    cases = []
    for number, one in enumerate(labelled, start=1):
        tell(f"Reading labelled CT {number}")
        volume = read_volume(one.ct)
        try:
            case = read_case(folder / case_id(volume))
        except InputError:
            case = None
        if case is None or case.models != weights:
            _, result = predict(one.ct, Parameters(model=model))
            case = save_case(volume, result, _patient(one.ct, folder), folder)
        lesions, lungs = read_label(one, volume.geometry, card.classes)
        if lungs is None:
            predicted = result_on(case.result(), volume.geometry).lungs
            lungs = lungs_with_lesions(predicted, lesions, volume.geometry)
        save_labels(case, lungs, lesions, volume.geometry)
        cases.append(save_verdict(read_case(case.folder), Verdict.ACCEPTED, ""))
    kept = {case.id for case in cases}
    for case in read_cases(folder).cases:
        if case.id not in kept:
            remove_case(case)
    return cases


def _patient(ct: Path, folder: Path) -> str | None:
    known = patient_id(ct) if ct.is_dir() else ""
    return patient_key(known, folder) if known else None
