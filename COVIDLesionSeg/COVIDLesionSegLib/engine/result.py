"""What one run produces, on the CT's own grid, and its form on disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .flags import Flag
from .severity.report import SeverityReport
from .volume import Geometry

OVERLAY_FROM = 0.25
"""Probabilities below this are transparent in every picture; they decide nothing else."""


@dataclass(frozen=True)
class SegmentationResult:
    """Lungs, lesions, probabilities and severity of one CT.

    All arrays have the CT's stored shape (k, j, i) and lie on ``geometry``.

    Attributes:
        geometry: The CT's grid.
        lungs: uint8; 0 elsewhere, 1 right lung, 2 left lung; lesions are part of the lung.
        lesions: uint8; 0 elsewhere, n = n-th entry of ``classes``.
        probability: float32, 0 to 1: probability that a voxel is lesion of any class, of an
            ensemble the mean; 0 outside the lungs, where the network's answer is not used.
        classes: Names of the lesion classes, e.g. ``("lesion",)``; the label of class n is n + 1.
        severity: Volumes, ratios and categories.
        disagreement: float32, 0 to 1: how much the members of an ensemble disagree on a voxel, 0
            where unanimous, 1 where evenly split; None with a single model.
        flags: What a reader must know before trusting the result.
        provenance: Plain JSON-ready facts: software versions, model id and sha256, parameters,
            device, seconds per stage, input source, research-use notice.
    """

    geometry: Geometry
    lungs: np.ndarray
    lesions: np.ndarray
    probability: np.ndarray
    classes: tuple[str, ...]
    severity: SeverityReport
    flags: tuple[Flag, ...]
    provenance: dict[str, Any]
    disagreement: np.ndarray | None = None
