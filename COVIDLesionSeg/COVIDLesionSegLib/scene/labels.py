"""Which labels of a result become which segments; no MRML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..engine.labels import LUNG_STYLES, SegmentStyle, class_style

if TYPE_CHECKING:
    from ..engine.result import SegmentationResult


EDITED_FILES = {"lungs": "edited-lungs.nrrd", "lesions": "edited-lesions.nrrd"}
"""Beside a result: its lungs and lesions as a person edited them, by their names in the result."""


@dataclass(frozen=True, eq=False)
class LabelledSegment:
    """One lung or lesion class.

    Attributes:
        style: Its name, colour and coded term.
        labels: uint8, shape (k, j, i); shared by the segments of a layer.
        label: Its own among them.
    """

    style: SegmentStyle
    labels: npt.NDArray[np.uint8]
    label: int

    @property
    def id(self) -> str:
        return self.style.id


def layers_of(result: SegmentationResult) -> list[list[LabelledSegment]]:
    """The lungs, and the lesion classes: a layer each, so that a lesion stays part of its lung.

    Where only the lungs were looked for, they are all there is.
    """
    lungs = [LabelledSegment(style, result.lungs, n) for n, style in LUNG_STYLES.items()]
    lesions = [
        LabelledSegment(class_style(name), result.lesions, n)
        for n, name in enumerate(result.classes, start=1)
    ]
    return [lungs, lesions] if lesions else [lungs]


def segments_of(result: SegmentationResult) -> list[LabelledSegment]:
    """All segments of a result: lungs, then lesion classes."""
    return [segment for layer in layers_of(result) for segment in layer]
