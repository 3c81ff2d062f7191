"""Slice folders: ``index.csv`` with the PNG files of ``img/``, ``lesion/`` and maybe ``lung/``.

HU are written in 16 bits, in steps of 1/16 HU from -1024 HU on, so whole HU from -1024 to 3071 come
back exactly, and others within 1/32 HU. HU beyond that range become its nearest end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError, OutputError
from ..files import atomic_folder
from ..labels import LESION, lesions_of_labels
from ..progress import CancelToken
from ..text import thousands
from ..volume import AIR_HU
from .labelled import LabelledImage, chosen_patients
from .masks import check_not_inverted, check_not_lungs
from .png import read_grey_png, write_grey_png
from .slice_index import INDEX_CSV, Entry, index_row, is_file_name, read_index
from .tables import plain, table_bytes

SOFT_TISSUE_HU = 40
_WHOLE = 255
"""Lesion of any class in a mask."""
_HIGHEST_HU = 30_000
"""Metal, on scanners with an extended scale; a wrong ``grey_soft_peak`` gives more."""
_STEPS_PER_HU = 16
_GREY_SOFT_PEAK = (SOFT_TISSUE_HU - AIR_HU) * _STEPS_PER_HU
_LARGEST = np.iinfo(np.uint16).max


class SliceData:
    """Labelled data of a slice folder; see :class:`~.labelled.LabelledData`.

    The size of pixels is not known, so distances are in pixels.

    Args:
        folder: See :func:`read_slice_folder`.
        patients: Only these; all by default.
        classes: As for :func:`read_slice_folder`.

    Raises:
        InputError: The folder's index is missing or damaged, or a patient is not in it.
    """

    unit = "px"
    mask_by_default = False

    def __init__(
        self,
        folder: Path,
        patients: list[str] | None = None,
        classes: Sequence[str] = (LESION,),
    ):
        self.samples_of = chosen_patients(slices_per_patient(folder), patients)
        self.lungs = "experts" if (folder / "lung").is_dir() else None
        self._folder = folder
        self.classes = classes

    def read(self, patient: str, cancel: CancelToken) -> Iterator[LabelledImage]:
        """The slices of one patient."""
        cancel.raise_if_cancelled()
        yield from read_slice_folder(self._folder, [patient], True, self.classes)


def slices_per_patient(folder: Path) -> dict[str, int]:
    """Number of slices of every patient in a slice folder, sorted by patient.

    Raises:
        InputError: The folder's index is missing or damaged.
    """
    return dict(sorted(Counter(entry.patient for entry in read_index(folder)).items()))


def files_of_folder(folder: Path) -> list[Path]:
    """The images and masks of a slice folder, in the order of its index.

    Raises:
        InputError: The folder's index is missing or damaged.
    """
    kinds = [kind for kind in ("img", "lesion", "lung") if (folder / kind).is_dir()]
    return [folder / kind / f"{one.name}.png" for one in read_index(folder) for kind in kinds]


def read_slice_folder(
    folder: Path,
    patients: Iterable[str] | None = None,
    with_lungs: bool = False,
    classes: Sequence[str] = (LESION,),
) -> list[LabelledImage]:
    """Read the slices of a slice folder.

    Grey levels become HU where these are known: HU = -1024 + grey * 1064 / ``grey_soft_peak``.
    Images that were windowed before they were stored become grey / 255.

    A lesion is 255 in a mask, or n + 1 for class n. Lungs are 255, or 1, or 1 and 2.

    Args:
        folder: The slice folder.
        patients: Only these patients; all by default.
        with_lungs: Read ``lung/`` as well, where there is such a folder.
        classes: Lesion classes to tell apart, where a mask does; by default all lesions are taken
            together.

    Raises:
        InputError: The index or an image is missing or damaged, an image and its mask differ in
            size, a mask has other values, or the lesions are an inverted mask or a map of the
            lungs. File, row and column are named.
    """
    wanted = None if patients is None else set(patients)
    folder = Path(folder)
    with_lungs = with_lungs and (folder / "lung").is_dir()
    slices = [
        _read_slice(folder, entry, with_lungs, classes)
        for entry in read_index(folder)
        if wanted is None or entry.patient in wanted
    ]
    if not slices:
        raise InputError(f"{folder} holds no slices of the patients asked for.")
    for patient in {item.patient for item in slices}:
        check_not_lungs([item for item in slices if item.patient == patient], f"of {patient}")
    return slices


def _read_slice(
    folder: Path, entry: Entry, with_lungs: bool, classes: Sequence[str]
) -> LabelledImage:
    file = f"{entry.name}.png"
    grey = read_grey_png(folder / "img" / file)
    mask = read_grey_png(folder / "lesion" / file)
    lungs = read_grey_png(folder / "lung" / file) if with_lungs else None
    for kind, other in (("lesion", mask), ("lung", lungs)):
        if other is not None and other.shape != grey.shape:
            raise InputError(
                f"{entry.name}: the image and its mask differ in size: img/{file} has "
                f"{grey.shape[0]} x {grey.shape[1]} pixels, but {kind}/{file} has "
                f"{other.shape[0]} x {other.shape[1]}."
            )
    item = LabelledImage(
        entry.name,
        entry.patient,
        _image(grey, entry, f"img/{file}"),
        entry.grey_soft_peak is None,
        _lesion(mask, classes, f"lesion/{file}"),
        None if lungs is None else _lungs(lungs, f"lung/{file}"),
        pseudo=entry.pseudo,
        sources=entry.sources,
        slice_class=entry.slice_class,
        scanner=entry.scanner,
    )
    check_not_inverted(item.lesion, f"lesion/{file}")
    return item


def _image(grey: np.ndarray, entry: Entry, file: str) -> np.ndarray:
    """HU, or 0..1 of a windowed image; float32."""
    highest = int(np.iinfo(grey.dtype).max)
    if entry.grey_soft_peak is None:
        if highest > 255:
            raise InputError(
                f"{file} has grey levels of 16 bits, but a windowed image has 8: save it again, or "
                "say no under windowed in its row of index.csv."
            )
        unit: np.ndarray = grey.astype(np.float32) / np.float32(255.0)
        return unit
    scale = (SOFT_TISSUE_HU - AIR_HU) / entry.grey_soft_peak
    brightest = AIR_HU + float(grey.max()) * scale
    if entry.grey_soft_peak > highest or brightest > _HIGHEST_HU:
        raise entry.row.fault(
            "grey_soft_peak",
            f"is {entry.grey_soft_peak:g}, which is not the grey level of soft tissue in {file}: "
            f"its grey levels go up to {int(grey.max())}, which would be {thousands(brightest)} HU",
        )
    hu: np.ndarray = AIR_HU + grey.astype(np.float32) * np.float32(scale)
    return hu


def _lesion(mask: np.ndarray, classes: Sequence[str], file: str) -> np.ndarray:
    whole: np.ndarray = mask == _WHOLE
    if not mask[~whole].any():
        return whole
    return lesions_of_labels(mask, classes, file, whole=f"{_WHOLE} alone")


def _lungs(mask: np.ndarray, file: str) -> np.ndarray:
    """bool; masks of 0 and 1, of 0, 1 and 2, and bright ones, whose edges may be blurred."""
    highest = mask.max()
    if highest <= 2:
        return np.asarray(mask > 0)
    if highest <= 127:
        raise InputError(
            f"The mask {file} holds the label {highest}, but lungs must be 255, or 1, or 1 and 2."
        )
    return np.asarray(mask > 127)


def write_slice_folder(
    slices: Sequence[LabelledImage],
    folder: Path,
    facts: Sequence[Mapping[str, str]] | None = None,
) -> None:
    """Write ``index.csv`` and the folders ``img/``, ``lesion/`` and, if known, ``lung/``.

    Args:
        slices: In HU, either all with lungs or all without; their names are file names and differ.
        folder: Absent or empty, in a folder that exists. It is complete or as it was.
        facts: For every slice further columns of the index.

    Raises:
        InputError: A slice cannot be stored so that it comes back the same.
        OutputError: The folder holds something, or cannot be written.
    """
    folder = Path(folder)
    _check(slices)
    further = facts or [{} for _ in slices]
    rows = [
        index_row(item, _GREY_SOFT_PEAK) | dict(more)
        for item, more in zip(slices, further, strict=True)
    ]
    with atomic_folder(folder) as staging:
        _write_images(slices, staging, folder.name)
        table = table_bytes(list(rows[0]), [list(row.values()) for row in rows])
        (staging / INDEX_CSV).write_bytes(table)


def _check(slices: Sequence[LabelledImage]) -> None:
    if not slices:
        raise InputError("There is no slice to write.")
    if len({item.lungs is None for item in slices}) > 1:
        raise InputError("Some slices have lungs and some have none: write them apart.")
    if len({item.name for item in slices}) < len(slices):
        raise InputError("Two slices have the same name: give each its own.")
    for item in slices:
        if item.windowed:
            raise InputError(f"Slice {item.name} is windowed, so its HU are not known.")
        if not is_file_name(item.name):
            raise InputError(f"Slice {item.name!r} cannot be a file's name.")
        if len(item.sources) not in (0, 2):
            raise InputError(f"Slice {item.name} is made of slices of more than two patients.")
        for patient in (item.patient, *item.sources):
            if not patient or patient != patient.strip() or patient != plain(patient):
                raise InputError(
                    f"Patient {patient!r} needs another name: without control characters, and "
                    "without blanks at its ends."
                )
        # Earlier versions take cases of this name for windowed ones.
        if item.patient.startswith("radiopaedia"):
            raise InputError(f"Patient {item.patient} of a slice in HU needs another name.")


def _write_images(slices: Sequence[LabelledImage], staging: Path, name: str) -> None:
    try:
        for item in slices:
            _write_slice(item, staging)
    except OutputError as error:
        raise OutputError(f"The slice folder {name} cannot be written: {error}") from error


def _write_slice(item: LabelledImage, folder: Path) -> None:
    steps = np.rint((item.image.astype(np.float64) - AIR_HU) * _STEPS_PER_HU)
    images = {"img": np.clip(steps, 0, _LARGEST).astype(np.uint16), "lesion": _mask(item.lesion)}
    if item.lungs is not None:
        images["lung"] = _mask(item.lungs > 0)
    for kind, image in images.items():
        (folder / kind).mkdir(exist_ok=True)
        write_grey_png(image, folder / kind / f"{item.name}.png")


def _mask(mask: np.ndarray) -> np.ndarray:
    """Numbers of classes as they are."""
    return np.where(mask, np.uint8(255), np.uint8(0)) if mask.dtype == bool else mask
