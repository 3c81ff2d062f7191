"""Slices of a healthy person's CT, with their lungs, to paste lesions into."""

from __future__ import annotations

import numpy as np

from ..lungs import LungExtractor
from ..progress import CancelToken
from ..training.slices import LabelledSlice, clean_slices
from ..volume import Volume, check_chest_ct


def healthy_slices(
    volume: Volume, patient: str, extractor: LungExtractor, cancel: CancelToken | None = None
) -> list[LabelledSlice]:
    """The slices of a CT that hold lung, without any lesion.

    Args:
        volume: A CT in HU of somebody without lesions in the lungs.
        patient: Name to file the slices under.
        extractor: Finds the lungs.
        cancel: Looked at between steps.

    Raises:
        InputError: It is no chest CT, or has no lungs.
        Cancelled: The token was set.
    """
    volume = check_chest_ct(volume)
    lungs = extractor.extract(volume.axial, volume.axial_spacing, cancel=cancel).labels
    return clean_slices(volume, np.flatnonzero(lungs.any(axis=(1, 2))), patient, lungs)
