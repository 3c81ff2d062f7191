"""Whole CTs and their lesion masks, listed in a CSV file, to judge models on."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..lungs import get_extractor
from ..parameters import Parameters
from ..progress import CancelToken
from ..volume import Geometry, Volume, read_array, read_volume, same_grid
from ..volume.segmentation_file import SUFFIX, read_segments
from .samples import Sample, chosen_patients

_COLUMNS = ("ct", "mask", "patient")
_LUNG_SEGMENTS = {"right lung": 1, "left lung": 2}
LESION_CLASSES = ("lesion", "ground-glass opacity", "consolidation")


@dataclass(frozen=True)
class _Pair:
    ct: Path
    mask: Path | None
    patient: str


class VolumeData:
    """Labelled data of a CSV file; see :class:`~.samples.LabelledData`.

    Columns: ``ct``, a file or DICOM folder; ``mask``, a file on the grid of the CT with lesion 1
    and everything else 0, or a segmentation that 3D Slicer saved (``.seg.nrrd``), or nothing for a
    CT without lesions; and perhaps ``patient``, by default the name of the CT. Paths are relative
    to the CSV file. The lungs are found, unless the segmentation has them.

    Args:
        table: The CSV file.
        parameters: Names the lung extractor.
        patients: Only these; all by default.

    Raises:
        InputError: The table cannot be understood, a file is missing, or a patient is unknown.
        ParameterError: There is no such lung extractor.
    """

    unit = "mm"
    mask_by_default = True

    def __init__(self, table: Path, parameters: Parameters, patients: list[str] | None = None):
        self._pairs = _read_table(table)
        counts = Counter(pair.patient for pair in self._pairs)
        self.samples_of = chosen_patients(dict(sorted(counts.items())), patients)
        self.lungs = parameters.lungs
        self._extractor = get_extractor(parameters)

    def read(self, patient: str, cancel: CancelToken) -> Iterator[Sample]:
        """The CTs of one patient, with their lungs."""
        for pair in self._pairs:
            if pair.patient != patient:
                continue
            cancel.raise_if_cancelled()
            try:
                volume = read_volume(pair.ct)
                lesion, lungs = _read_mask(pair.mask, volume)
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
                lesion=volume.order.to_axial(lesion),
                lungs=volume.order.to_axial(lungs),
                spacing_mm=volume.axial_spacing,
            )


def _read_table(table: Path) -> list[_Pair]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            columns = rows.fieldnames or []
            if unknown := set(columns) - set(_COLUMNS):
                raise InputError(
                    f"{table.name} has the column {min(map(str, unknown))!r}, but its columns must "
                    f"be {', '.join(_COLUMNS)}."
                )
            if missing := {"ct", "mask"} - set(columns):
                raise InputError(f"{table.name} lacks the column {min(missing)}.")
            pairs = [_pair(row, table) for row in rows]
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
        patient=patient or Path(ct).name.split(".")[0],
    )


def _read_mask(path: Path | None, volume: Volume) -> tuple[np.ndarray, np.ndarray | None]:
    """Lesions, bool (k, j, i) on the CT's grid, and lungs, uint8, where the file has them."""
    if path is None:
        return np.zeros(volume.array.shape, dtype=bool), None
    if path.name.lower().endswith(SUFFIX):
        return _read_segmentation(path, volume.geometry)
    return _read_label_map(path, volume), None


def _read_segmentation(path: Path, geometry: Geometry) -> tuple[np.ndarray, np.ndarray | None]:
    """What an annotator corrected and saved from 3D Slicer."""
    segments = read_segments(path, geometry)
    lungs = np.zeros(geometry.shape, dtype=np.uint8)
    lesion = np.zeros(geometry.shape, dtype=bool)
    classes = []
    for segment in segments:
        name = segment.class_name or segment.name.strip().lower()
        if name in _LUNG_SEGMENTS:
            lungs[segment.mask] = _LUNG_SEGMENTS[name]
        elif name in LESION_CLASSES:
            lesion |= segment.mask
            classes.append(name)
    if not classes:
        names = ", ".join(segment.name for segment in segments)
        raise InputError(
            f"{path.name} has the segments {names}, but none called "
            f"{' or '.join(LESION_CLASSES)}: rename the one that holds the lesions."
        )
    return lesion, lungs if lungs.any() else None


def _read_label_map(path: Path, volume: Volume) -> np.ndarray:
    array, geometry = read_array(path)
    if not same_grid(geometry, volume.geometry):
        raise InputError(
            f"The mask {path.name} does not lie on the grid of its CT: resample it to the CT."
        )
    lesion = array != 0
    values = array[lesion]
    if not values.size:
        raise InputError(
            f"The mask {path.name} is empty: leave its place in the table empty if the CT shows no "
            "lesion."
        )
    if values.min() != values.max():
        raise InputError(
            f"The mask {path.name} holds several labels: give one with lesion 1 and everything "
            "else 0."
        )
    if lesion.all():
        raise InputError(f"The mask {path.name} marks every voxel: give one with background 0.")
    return lesion
