"""Whole CTs and their lesion masks, listed in a CSV file, to judge models on or to learn from."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..labels import LESION
from ..lungs import get_extractor
from ..parameters import Parameters
from ..progress import CancelToken
from ..volume import read_volume
from .mask_file import Mask, read_mask
from .samples import Sample, chosen_patients

_COLUMNS = ("ct", "mask", "patient")


@dataclass(frozen=True)
class _Pair:
    ct: Path
    mask: Path | None
    patient: str


class VolumeData:
    """Labelled data of a CSV file; see :class:`~.samples.LabelledData`.

    Columns: ``ct``, a file or DICOM folder; ``mask``, a file on the grid of the CT with lesion 1
    and everything else 0, or one label for each class, or a segmentation that 3D Slicer saved
    (``.seg.nrrd``), or nothing for a CT without lesions; and perhaps ``patient``, by default the
    name of the CT. Paths are relative to the CSV file. The lungs are found, unless the segmentation
    has them.

    Args:
        table: The CSV file.
        parameters: Names the lung extractor.
        patients: Only these; all by default.
        classes: Lesion classes to tell apart, see :func:`~.mask_file.read_mask`; by default all
            lesions are taken together, as scores take them.
        labelled: Without, the table needs no column ``mask``, and one that it has is not read.

    Raises:
        InputError: The table cannot be understood, a file is missing, or a patient is unknown.
        ParameterError: There is no such lung extractor.
    """

    unit = "mm"
    mask_by_default = True

    def __init__(
        self,
        table: Path,
        parameters: Parameters,
        patients: list[str] | None = None,
        classes: Sequence[str] = (LESION,),
        labelled: bool = True,
    ):
        self._pairs = _read_table(table, labelled)
        counts = Counter(pair.patient for pair in self._pairs)
        self.samples_of = chosen_patients(dict(sorted(counts.items())), patients)
        self.lungs = parameters.lungs
        self._extractor = get_extractor(parameters)
        self._classes = classes

    def read(self, patient: str, cancel: CancelToken) -> Iterator[Sample]:
        """The CTs of one patient, with their lungs."""
        for pair in self._pairs:
            if pair.patient != patient:
                continue
            cancel.raise_if_cancelled()
            try:
                volume = read_volume(pair.ct)
                if pair.mask is None:
                    mask = Mask(np.zeros(volume.array.shape, dtype=bool))
                else:
                    mask = read_mask(pair.mask, volume.geometry, self._classes)
                lungs = mask.lungs
                if lungs is None:
                    found = self._extractor.extract(
                        volume.axial, volume.axial_spacing, cancel=cancel
                    )
                    lungs = volume.on_grid(found.labels)
            except InputError as error:
                raise InputError(f"{pair.ct.name}: {error}") from error
            yield Sample(
                name=pair.ct.name,
                patient=patient,
                image=volume.axial,
                windowed=False,
                lesion=volume.order.to_axial(mask.lesion),
                lungs=volume.order.to_axial(lungs),
                spacing_mm=volume.axial_spacing,
                pseudo=mask.pseudo,
            )


def patient_of_ct(ct: Path) -> str:
    """Who a CT shows where nobody says so: the name of its file or folder."""
    return ct.name.split(".")[0]


def _read_table(table: Path, labelled: bool) -> list[_Pair]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            columns = rows.fieldnames or []
            if unknown := set(columns) - set(_COLUMNS):
                raise InputError(
                    f"{table.name} has the column {min(map(str, unknown))!r}, but its columns must "
                    f"be {', '.join(_COLUMNS)}."
                )
            needed = {"ct", "mask"} if labelled else {"ct"}
            if missing := needed - set(columns):
                raise InputError(f"{table.name} lacks the column {min(missing)}.")
            pairs = [_pair(row if labelled else row | {"mask": None}, table) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table.name} cannot be read as a CSV file.") from error
    if not pairs:
        raise InputError(f"{table.name} names no CT.")
    return pairs


def _pair(row: dict[str, str | None], table: Path) -> _Pair:
    ct, mask, patient = ((row.get(name) or "").strip() for name in _COLUMNS)
    if not ct:
        raise InputError(f"{table.name} has a row without a CT.")
    for name in filter(None, (ct, mask)):
        if not (table.parent / name).exists():
            raise InputError(f"{name} is named in {table.name} but does not exist; check the path.")
    return _Pair(
        ct=table.parent / ct,
        mask=table.parent / mask if mask else None,
        patient=patient or patient_of_ct(Path(ct)),
    )
