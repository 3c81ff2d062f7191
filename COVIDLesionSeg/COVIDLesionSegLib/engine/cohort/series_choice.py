"""Chooses one CT series of each DICOM study, by rules that are stated."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..volume.dicom_series import Slice, without_localizers

Found = Mapping[tuple[Path, str], list[Slice]]
"""Images by their folder and SeriesInstanceUID."""
Left = list[tuple[Path, str]]
"""Folders, and why a series there is left out."""

_FEWEST_SLICES = 3
_AXIAL = 0.8
"""Least cosine between the slices' normal and the patient's axis: up to 37 degrees of tilt."""
_DERIVED = {"REFORMATTED", "MPR", "PROJECTION", "MIP", "MINIP", "SCREEN"}
"""Words of ImageType, such as those of ``CT_SOM5 MPR``, ``PROJECTION IMAGE``, ``SCREEN SAVE``."""
_SOFT_TO_SHARP = ("SOFT", "STANDARD", "CHST", "DETAIL", "LUNG", "BONE", "EDGE")
"""Kernels of GE, from soft to sharp."""


def gather(found: Found) -> tuple[dict[tuple[Path, str], list[Slice]], Left]:
    """Each series once, however its files are spread over folders.

    Of copies one is taken. A series whose parts lie in several folders, as on many discs, is
    that of the innermost folder that holds them all: a part alone would be a CT cut short.

    Returns:
        As ``found``, without localizers; and the copies and series of localizers alone.
    """
    whole: dict[tuple[Path, str], list[Slice]] = {}
    left: Left = []
    places: dict[str, list[Path]] = {}
    for (place, uid), images in found.items():
        if slices := without_localizers(images):
            whole[place, uid] = slices
            places.setdefault(uid, []).append(place)
        else:
            left.append((place, "It is a localizer."))
    for uid, folders in places.items():
        if not uid or len(folders) == 1:
            continue
        kept: list[Path] = []
        seen: set[str] = set()
        for place in sorted(folders, key=lambda one: (-len(whole[one, uid]), str(one))):
            instances = {one.text("SOPInstanceUID") for one in whole[place, uid]}
            if instances <= seen and "" not in instances:
                left.append((place, "Its slices are copies of those in another folder."))
                del whole[place, uid]
            else:
                kept.append(place)
                seen |= instances
        if len(kept) > 1:
            parts = [one for place in kept for one in whole.pop((place, uid))]
            whole[Path(os.path.commonpath(kept)), uid] = parts
    return whole, left


def choose_of_studies(found: Found) -> tuple[list[tuple[Path, str]], Left]:
    """The series of each study that the cohort takes, and the others with the reason.

    Left out are series that are not CT, not axial, reformatted or projected, or of fewer than 3
    slices. Of those that remain in a study the one with most slices is taken, and of several with
    as many the one with the softest kernel, on which the networks were trained.
    """
    chosen: list[tuple[Path, str]] = []
    others: Left = []
    studies: dict[str, list[tuple[Path, str]]] = {}
    for key, slices in found.items():
        if reason := _unfit(slices):
            others.append((key[0], reason))
        else:
            study = slices[0].text("StudyInstanceUID") or key[1]
            studies.setdefault(study, []).append(key)
    for keys in studies.values():
        first, *rest = sorted(
            keys, key=lambda key: (-len(found[key]), kernel_sharpness(found[key]), str(key))
        )
        chosen.append(first)
        taken = len(found[first])
        others += [
            (place, f"The study has a series that suits better, of {taken} slices.")
            for place, _ in rest
        ]
    return chosen, others


def kernel_sharpness(slices: list[Slice]) -> float:
    """How sharp the convolution kernel is, 0 to 1; 0.5 where it is not known.

    The number in the kernels of Siemens (B31f, Br36, D40s) and Toshiba (FC51), the first letter of
    Philips (A to F, then L and Y, as in YA), the word of GE.
    """
    words = re.findall("[A-Z0-9]+", slices[0].text("ConvolutionKernel").upper())
    kernel = words[0] if words else ""
    if match := re.match(r"[A-Z]{1,2}(\d\d)", kernel):
        return int(match[1]) / 100
    for place, word in enumerate(_SOFT_TO_SHARP):
        if kernel.startswith(word):
            return place / len(_SOFT_TO_SHARP)
    if len(kernel) in (1, 2) and kernel[0] in "ABCDEFLY":
        return "ABCDEFLY".index(kernel[0]) / 8
    return 0.5


def _unfit(slices: list[Slice]) -> str:
    """Why a series is no axial CT; empty where it is one."""
    first = slices[0]
    if (modality := first.text("Modality")) not in ("CT", ""):
        return f"It is not CT but {modality[:16]}."
    if _DERIVED & set(re.findall("[A-Z]+", first.text("ImageType").upper())):
        return "It is reformatted, projected or a screenshot, no original CT."
    if len(slices) < _FEWEST_SLICES:
        return f"It has only {len(slices)} slice{'' if len(slices) == 1 else 's'}."
    try:
        rows, columns = first.numbers("ImageOrientationPatient", 6).reshape(2, 3)
    except InputError:
        return ""  # reading it says what is wrong
    if abs(np.cross(rows, columns)[2]) < _AXIAL:
        return "Its slices are coronal or sagittal."
    return ""
