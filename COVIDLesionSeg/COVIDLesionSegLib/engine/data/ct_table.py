"""CTs and their lesion masks, listed in a CSV file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..labels import LESION
from ..lungs import get_extractor
from ..parameters import Parameters
from ..progress import CancelToken
from ..volume import Volume, read_volume
from .labelled import LabelledImage, chosen_patients
from .masks import Mask, check_not_lungs, read_mask
from .tables import Row, read_table

_COLUMNS = ("ct", "mask", "patient")
OWN_LUNGS = "the masks' own"
"""Where lungs come from that are in the masks of lesions."""
_ENDINGS = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm")  # of files with a CT


@dataclass(frozen=True)
class _Pair:
    ct: Path
    mask: Path | None
    patient: str


class VolumeData:
    """Labelled data of a CSV file; see :class:`~.labelled.LabelledData`.

    Columns: ``ct``, a file or DICOM folder; ``mask``, a file on the grid of the CT with lesion 1
    and everything else 0, or one label for each class, or a segmentation that 3D Slicer saved
    (``.seg.nrrd``), or nothing for a CT without lesions; and perhaps ``patient``, by default the
    name of the CT. Paths are relative to the CSV file. The lungs are found, unless the segmentation
    has them; ``lungs`` says which of both after the CTs were read.

    Args:
        table: The CSV file.
        parameters: Names the lung extractor.
        patients: Only these; all by default.
        classes: Lesion classes to tell apart, see :func:`~.masks.read_mask`; by default all lesions
            are taken together, as scores take them.
        labelled: Without, the table needs no column ``mask``, and one that it has is not read.
        skip: Says of the path and the content of a CT whether it is left out.

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
        skip: Callable[[Path, Volume], bool] | None = None,
    ):
        self._pairs = _read_pairs(table, labelled)
        counts = Counter(pair.patient for pair in self._pairs)
        self.samples_of = chosen_patients(dict(sorted(counts.items())), patients)
        self.lungs: str | None = parameters.lungs
        self._extractor = get_extractor(parameters)
        self._extractor_name = parameters.lungs
        self._lungs_of_masks: set[bool] = set()
        self.classes = classes
        self._skip = skip

    def read(self, patient: str, cancel: CancelToken) -> Iterator[LabelledImage]:
        """The CTs of one patient, with their lungs."""
        for pair in self._pairs:
            if pair.patient == patient:
                cancel.raise_if_cancelled()
                try:
                    volume = read_volume(pair.ct)
                    if self._skip is None or not self._skip(pair.ct, volume):
                        yield self._read(pair, volume, cancel)
                except InputError as error:
                    raise InputError(f"{pair.ct.name}: {error}") from error

    def _read(self, pair: _Pair, volume: Volume, cancel: CancelToken) -> LabelledImage:
        if pair.mask is None:
            mask = Mask(np.zeros(volume.array.shape, dtype=bool))
        else:
            mask = read_mask(pair.mask, volume.geometry, self.classes)
        lungs = mask.lungs
        self._lungs_of_masks.add(lungs is not None)
        self.lungs = {
            frozenset({True}): OWN_LUNGS,
            frozenset({False}): self._extractor_name,
        }.get(frozenset(self._lungs_of_masks), f"{OWN_LUNGS}, else {self._extractor_name}")
        if lungs is None:
            found = self._extractor.extract(volume.axial, volume.axial_spacing, cancel=cancel)
            lungs = volume.on_grid(found.labels)
        item = LabelledImage(
            name=pair.ct.name,
            patient=pair.patient,
            image=volume.axial,
            windowed=False,
            lesion=volume.order.to_axial(mask.lesion),
            lungs=volume.order.to_axial(lungs),
            spacing_mm=volume.axial_spacing,
            pseudo=mask.pseudo,
        )
        if pair.mask is not None:
            check_not_lungs([item], pair.mask.name)
        return item


def read_labelled_volumes(
    table: Path, cancel: CancelToken | None = None, classes: Sequence[str] = (LESION,)
) -> list[LabelledImage]:
    """Every slice with lung of the CTs that a CSV file lists with their masks.

    A slice is called by its CT's name and its axial index: ``name_007``.

    Masks may be segmentations that annotators corrected and saved from 3D Slicer, or pseudo-labels.
    Lungs that these do not hold are found by the default extractor.

    Args:
        table: See :class:`VolumeData`.
        cancel: Looked at before every CT.
        classes: Lesion classes to tell apart, where a mask does; by default all lesions are taken
            together.

    Raises:
        InputError: The table, a CT or a mask cannot be understood; or the mask is not on the CT's
            grid.
        Cancelled: The token was set.
    """
    data, cancel = VolumeData(table, Parameters(), classes=classes), cancel or CancelToken()
    return [
        item
        for patient in data.samples_of
        for sample in data.read(patient, cancel)
        for item in sample.slices_with_lung()
    ]


def files_of_table(table: Path) -> list[Path]:
    """The CTs and masks of a CSV file, in its order; of a DICOM folder all its files.

    Raises:
        InputError: The table cannot be understood, or a file is missing.
    """
    named = [one for pair in _read_pairs(table, True) for one in (pair.ct, pair.mask) if one]
    return [
        file
        for one in named
        for file in (sorted(filter(Path.is_file, one.rglob("*"))) if one.is_dir() else [one])
    ]


def patient_of_ct(ct: Path) -> str:
    """Patient of a CT where the table names none: the name of its file or folder."""
    name = ct.name
    ending = next((e for e in _ENDINGS if name.lower().endswith(e)), "")
    return name[: len(name) - len(ending)]


def case_name(text: str) -> str:
    """Text as the name of a case, which is one of a folder on any system."""
    kept = "".join(
        sign if sign.isalnum() and sign.isascii() or sign in "._-" else "_" for sign in text
    )
    return kept.strip(".")[:80] or "ct"


def case_of_cell(cell: str) -> str:
    """The case that a cell of a table means: that of a CT file, if it names one, else its text."""
    if not cell.lower().endswith(_ENDINGS):
        return cell
    return case_name(patient_of_ct(Path(cell.replace("\\", "/"))))


def _read_pairs(path: Path, labelled: bool) -> list[_Pair]:
    table = read_table(path)
    if unknown := {name for name in table.columns if name and name.casefold() not in _COLUMNS}:
        raise InputError(
            f"{table.file} has the column {min(unknown)!r}, but its columns must be "
            f"{', '.join(_COLUMNS)}."
        )
    table.check_columns(("ct", "mask") if labelled else ("ct",))
    if not table.rows:
        raise InputError(f"{table.file} names no CT.")
    return [_pair(row, path.parent, labelled) for row in table.rows]


def _pair(row: Row, folder: Path, labelled: bool) -> _Pair:
    ct, mask = row.get("ct"), row.get("mask") if labelled else ""
    if not ct:
        raise InputError(f"{row.file} has a row without a CT: row {row.number}.")
    for name in filter(None, (ct, mask)):
        if not _exists(folder / name):
            raise InputError(
                f"{name} is named in {row.file} but does not exist; check the path in row "
                f"{row.number}."
            )
    return _Pair(
        ct=folder / ct,
        mask=folder / mask if mask else None,
        patient=row.get("patient") or patient_of_ct(Path(ct)),
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # as where the name is too long
        return False
