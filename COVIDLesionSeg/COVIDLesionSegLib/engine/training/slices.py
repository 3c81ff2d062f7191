"""Annotated axial slices to learn from."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError, ParameterError
from ..labels import LESION, lesions_of_labels
from ..volume import AIR_HU, Volume

SOFT_TISSUE_HU = 40
_WHOLE = 255
"""Lesion of any class in a mask."""
_COLUMNS = {"name", "case", "grey_soft_peak"}


@dataclass(frozen=True)
class LabelledSlice:
    """One axial slice in radiological view (rows to posterior, columns to the patient's left).

    Attributes:
        name: Identifier within its data set; no patient data.
        patient: Slices of one patient share this; training and validation are split by it.
        image: float32 (rows, columns): HU, or 0..1 where ``windowed``.
        windowed: The image was windowed by somebody before it was stored; HU are unknown.
        lesion: (rows, columns), expert mask: bool, lesion of any class; or uint8, n + 1 for class n
            of several.
        lungs: bool (rows, columns), expert mask; None where there is none, or it was not read.
        weight: How many times it counts in training beside others, above 0; 0.5 is half of its
            samples in every epoch.
        pseudo: The lesions are pseudo-labels, which nobody checked.

    Raises:
        ParameterError: The weight is not positive.
    """

    name: str
    patient: str
    image: np.ndarray
    windowed: bool
    lesion: np.ndarray
    lungs: np.ndarray | None = None
    weight: float = 1.0
    pseudo: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.weight < float("inf"):
            raise ParameterError(f"A weight is {self.weight}, but must be a positive number.")


def _read_png(path: Path) -> np.ndarray:
    if not path.is_file():
        raise InputError(f"{path.name} is listed in index.csv but missing in {path.parent.name}/.")
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def patient_of_case(case: str) -> str:
    """Patient id of a case of the slice folder: two volumes of one Radiopaedia case are one."""
    return case.rsplit("_", 1)[0] if case.startswith("radiopaedia") else case


def slices_per_patient(folder: Path) -> dict[str, int]:
    """Number of slices of every patient in a slice folder, sorted by patient.

    Raises:
        InputError: The folder has no index.
    """
    return dict(sorted(Counter(patient for _, patient in _index(folder)).items()))


def read_slice_folder(
    folder: Path,
    patients: Iterable[str] | None = None,
    with_lungs: bool = False,
    classes: Sequence[str] = (LESION,),
) -> list[LabelledSlice]:
    """Read ``index.csv`` and its ``img/`` and ``lesion/`` PNGs.

    Grey levels become HU where the index gives the grey level of soft tissue in an unwindowed
    image (coronacases): HU = -1024 + grey * 1064 / grey_soft_peak. Images that were windowed before
    they were stored (Radiopaedia) keep grey / 255.

    Lesion is 255 in a mask, or n + 1 for class n. Where ``pseudo`` in the index says yes, these are
    pseudo-labels.

    Args:
        folder: The slice folder.
        patients: Only these patients; all by default.
        with_lungs: Read ``lung/`` as well, where there is such a folder.
        classes: Lesion classes to tell apart, where a mask does; by default all lesions are taken
            together.

    Raises:
        InputError: The index or an image is missing, an image and its mask differ in size, or a
            mask has other values.
    """
    wanted = None if patients is None else set(patients)
    folder = Path(folder)
    kinds = ["img", "lesion"]
    if with_lungs and (folder / "lung").is_dir():
        kinds.append("lung")
    slices = []
    for row, patient in _index(folder):
        if wanted is not None and patient not in wanted:
            continue
        images = [_read_png(folder / kind / f"{row['name']}.png") for kind in kinds]
        if len({image.shape for image in images}) > 1:
            raise InputError(f"{row['name']}: the image and its mask differ in size.")
        grey, lesion, *lungs = images
        windowed = row["case"].startswith("radiopaedia")
        if windowed:
            image = grey.astype(np.float32) / 255.0
        else:
            scale = (SOFT_TISSUE_HU - AIR_HU) / float(row["grey_soft_peak"])
            image = AIR_HU + grey.astype(np.float32) * np.float32(scale)
        slices.append(
            LabelledSlice(
                row["name"],
                patient,
                image,
                windowed,
                _lesion(lesion, classes, f"lesion/{row['name']}.png"),
                *(mask > 127 for mask in lungs),
                pseudo=row.get("pseudo") == "yes",
            )
        )
    if not slices:
        raise InputError(f"{folder} holds no slices of the patients asked for.")
    return slices


def _lesion(mask: np.ndarray, classes: Sequence[str], file: str) -> np.ndarray:
    whole = mask == _WHOLE
    if not mask[~whole].any():
        return whole
    return lesions_of_labels(mask, classes, file, whole=f"{_WHOLE} alone")


def _index(folder: Path) -> Iterator[tuple[dict[str, str], str]]:
    """Rows of ``index.csv``, each with its patient."""
    index = Path(folder) / "index.csv"
    if not index.is_file():
        raise InputError(f"{folder} is not a slice folder: it has no index.csv.")
    with index.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if missing := _COLUMNS - set(reader.fieldnames or ()):
            raise InputError(f"index.csv lacks the column {min(missing)}.")
        for row in reader:
            yield row, patient_of_case(row["case"])


def clean_slices(
    volume: Volume, indices: Sequence[int], patient: str, lungs: np.ndarray | None = None
) -> list[LabelledSlice]:
    """Slices of a CT that an expert found free of lesions.

    Args:
        volume: A CT in HU.
        indices: Their axial indices, 0 at the inferior end.
        patient: Name to file them under.
        lungs: Non-zero in the lungs of the CT, (z, y, x) in axial order; None where not known.
    """
    axial = volume.axial
    return [
        LabelledSlice(
            name=f"{patient}_{index:03d}",
            patient=patient,
            image=np.ascontiguousarray(axial[index], dtype=np.float32),
            windowed=False,
            lesion=np.zeros(axial.shape[1:], dtype=bool),
            lungs=None if lungs is None else lungs[index] > 0,
        )
        for index in indices
    ]
