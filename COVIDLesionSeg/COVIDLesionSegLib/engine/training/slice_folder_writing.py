"""Writes annotated slices as a folder that :func:`.slices.read_slice_folder` reads back.

HU are stored in PNG files of 16 bits, in steps of 1/16 HU from -1024 HU on, so whole HU from -1024
to 3071 come back exactly, and others within 1/32 HU. HU beyond that range become its nearest end.
"""

from __future__ import annotations

import csv
import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError, OutputError
from ..volume import AIR_HU
from .slices import SOFT_TISSUE_HU, LabelledSlice, patient_of_case

_STEPS_PER_HU = 16
_GREY_SOFT_PEAK = (SOFT_TISSUE_HU - AIR_HU) * _STEPS_PER_HU
_LARGEST = np.iinfo(np.uint16).max


def write_slice_folder(
    slices: Sequence[LabelledSlice],
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
    extra = facts or [{} for _ in slices]
    rows = [
        {
            "name": item.name,
            "case": item.patient,
            "grey_soft_peak": str(_GREY_SOFT_PEAK),
            "pseudo": "yes" if item.pseudo else "no",
            **more,
        }
        for item, more in zip(slices, extra, strict=True)
    ]
    staging = None
    try:
        if folder.exists() and any(folder.iterdir()):
            raise OutputError(f"The folder {folder.name} is not empty: choose a new one.")
        staging = folder.with_name(f".slices-{uuid.uuid4().hex}")
        staging.mkdir()
        for item in slices:
            _write_images(item, staging)
        with (staging / "index.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        if folder.exists():
            folder.rmdir()  # empty; Windows renames onto nothing
        os.replace(staging, folder)
    except (OSError, RuntimeError) as error:
        raise OutputError(
            "The slice folder cannot be written: check permissions and free disk space."
        ) from error
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)


def _check(slices: Sequence[LabelledSlice]) -> None:
    if not slices:
        raise InputError("There is no slice to write.")
    if len({item.lungs is None for item in slices}) > 1:
        raise InputError("Some slices have lungs and some have none: write them apart.")
    if len({item.name for item in slices}) < len(slices):
        raise InputError("Two slices have the same name: give each its own.")
    for item in slices:
        if item.windowed:
            raise InputError(f"Slice {item.name} is windowed, so its HU are not known.")
        if Path(item.name).name != item.name or not item.name:
            raise InputError(f"Slice {item.name!r} cannot be a file's name.")
        # The reader takes cases of this name for windowed ones.
        if item.patient.startswith("radiopaedia") or patient_of_case(item.patient) != item.patient:
            raise InputError(f"Patient {item.patient} of a slice in HU needs another name.")


def _write_images(item: LabelledSlice, folder: Path) -> None:
    steps = np.rint((item.image.astype(np.float64) - AIR_HU) * _STEPS_PER_HU)
    images = {"img": np.clip(steps, 0, _LARGEST).astype(np.uint16), "lesion": _mask(item.lesion)}
    if item.lungs is not None:
        images["lung"] = _mask(item.lungs)
    for kind, image in images.items():
        (folder / kind).mkdir(exist_ok=True)
        sitk.WriteImage(sitk.GetImageFromArray(image), str(folder / kind / f"{item.name}.png"))


def _mask(mask: np.ndarray) -> np.ndarray:
    """Numbers of classes as they are."""
    return np.where(mask, np.uint8(255), np.uint8(0)) if mask.dtype == bool else mask
