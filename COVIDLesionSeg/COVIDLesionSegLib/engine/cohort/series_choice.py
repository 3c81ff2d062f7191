"""Chooses one CT series of each DICOM study, by rules that are stated."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from ..errors import InputError
from ..volume.dicom_series import Slice
from .series import Left, Series

_FEWEST_SLICES = 3
_AXIAL = 0.8
"""Least cosine between the slices' normal and the patient's axis: up to 37 degrees of tilt."""
_DERIVED = {"REFORMATTED", "MPR", "PROJECTION", "MIP", "MINIP", "SCREEN"}
"""Words of ImageType, such as those of ``CT_SOM5 MPR``, ``PROJECTION IMAGE``, ``SCREEN SAVE``."""
_SOFT_TO_SHARP = ("SOFT", "STANDARD", "CHST", "DETAIL", "LUNG", "BONE", "EDGE")
"""Kernels of GE, from soft to sharp."""


def choose_of_studies(found: Iterable[Series]) -> tuple[list[Series], Left]:
    """The series of each study that the cohort takes, and the others with the reason.

    Left out are series that are not CT, not axial, reformatted or projected, or of fewer than 3
    slices. Of those that remain in a study the one with most slices is taken, and of several with
    as many the one with the softest kernel, on which the networks were trained.
    """
    chosen: list[Series] = []
    others: Left = []
    studies: dict[str, list[Series]] = {}
    for one in found:
        if reason := _unfit(one.slices):
            others.append((one.place, reason))
        else:
            studies.setdefault(one.study, []).append(one)
    for series in studies.values():
        first, *rest = sorted(
            series,
            key=lambda one: (-len(one.slices), kernel_sharpness(one.slices), one.place, one.uid),
        )
        chosen.append(first)
        taken = len(first.slices)
        others += [
            (one.place, f"The study has a series that suits better, of {taken} slices.")
            for one in rest
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
