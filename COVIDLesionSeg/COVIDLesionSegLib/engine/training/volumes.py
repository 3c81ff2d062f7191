"""Slices to learn from, out of whole CTs and their lesion masks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ..evaluation.slice_data import slice_of
from ..evaluation.volume_data import VolumeData
from ..labels import LESION
from ..parameters import Parameters
from ..progress import CancelToken
from .slices import LabelledSlice


def read_labelled_volumes(
    table: Path, cancel: CancelToken | None = None, classes: Sequence[str] = (LESION,)
) -> list[LabelledSlice]:
    """Every slice with lung of the CTs that a CSV file lists with their masks.

    A slice is called by its CT's name and its axial index: ``name_007``.

    Masks may be segmentations that annotators corrected and saved from 3D Slicer, or pseudo-labels.
    Lungs that these do not hold are found by the default extractor.

    Args:
        table: See :class:`~..evaluation.volume_data.VolumeData`.
        cancel: Looked at before every CT.
        classes: Lesion classes to tell apart, where a mask does; by default all lesions are taken
            together.

    Raises:
        InputError: The table, a CT or a mask cannot be understood; or the mask is not on the CT's
            grid.
        Cancelled: The token was set.
    """
    return list(_slices(VolumeData(table, Parameters(), classes=classes), cancel or CancelToken()))


def _slices(data: VolumeData, cancel: CancelToken) -> Iterator[LabelledSlice]:
    for patient in data.samples_of:
        for sample in data.read(patient, cancel):
            for index in np.flatnonzero(sample.lungs.any(axis=(1, 2))):
                yield slice_of(sample, index, sample.lesion[index])
