"""Chooses one CT series of each DICOM study, by rules that are stated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..volume.dicom_series import Slice

Found = Mapping[tuple[Path, str], list[Slice]]
"""Slices by their folder and SeriesInstanceUID."""

_FEWEST_SLICES = 3
_AXIAL = 0.8
"""Least cosine between the slices' normal and the patient's axis: up to 37 degrees of tilt."""
_DERIVED = {"REFORMATTED", "MPR", "PROJECTION IMAGE", "MIP", "MINIP", "CSA MPR", "SCREEN SAVE"}
_SOFT_TO_SHARP = ("SOFT", "STANDARD", "CHST", "DETAIL", "LUNG", "BONE", "EDGE")
"""Kernels of GE, from soft to sharp."""


def choose_of_studies(found: Found) -> tuple[list[tuple[Path, str]], list[tuple[Path, str]]]:
    """The series of each study that the cohort takes, and the others with the reason.

    Left out are series that are not CT, not axial, reformatted or projected, or of fewer than 3
    slices. Of those that remain in a study the one with most slices is taken, and of several with
    as many the one with the softest kernel, on which the networks were trained.
    """
    chosen: list[tuple[Path, str]] = []
    others: list[tuple[Path, str]] = []
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

    The number in the kernels of Siemens (B31f, Br36) and Toshiba (FC51), the letter of Philips (A
    to F, then L and Y), the word of GE.
    """
    kernel = slices[0].text("ConvolutionKernel").upper()
    if match := re.match(r"(?:B|BR|BL|HR|I|J|QR|FC)(\d\d)", kernel):
        return int(match[1]) / 100
    for place, word in enumerate(_SOFT_TO_SHARP):
        if kernel.startswith(word):
            return place / len(_SOFT_TO_SHARP)
    if len(kernel) == 1 and kernel in "ABCDEFLY":
        return "ABCDEFLY".index(kernel) / 8
    return 0.5


def _unfit(slices: list[Slice]) -> str:
    """Why a series is no axial CT; empty where it is one."""
    first = slices[0]
    if (modality := first.text("Modality")) not in ("CT", ""):
        return f"It is not CT but {modality[:16]}."
    kinds = {kind.strip(" '\"[]").upper() for kind in first.text("ImageType").split(",")}
    if kinds & _DERIVED:
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
