"""Generated CTs that somebody reviewed; nothing of it needs PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.phantom.generate import Phantom
from COVIDLesionSegLib.engine.result import SegmentationResult
from COVIDLesionSegLib.engine.review import (
    ReviewedCase,
    Verdict,
    patient_key,
    save_case,
    save_labels,
    save_verdict,
)
from COVIDLesionSegLib.engine.severity import measure_severity

MODEL = "small"
CHEST = {
    "size": (72, 56, 8),
    "spacing": (4.6, 4.6, 28.0),
    "ground_glass": 0.25,
    "consolidation": 0.05,
}
"""A whole chest in eight thick slices, with much ground glass."""


def chest(seed: int) -> Phantom:
    """The chest CT of this seed."""
    return generate_chest_ct(seed, **CHEST)


def prediction_of(phantom: Phantom, shrink: int = 0) -> SegmentationResult:
    """The truth as a prediction, or a part of it: nothing in the first ``shrink`` slices."""
    lesions = (phantom.lesions > 0).astype(np.uint8)
    lesions[:shrink] = 0
    geometry = phantom.volume.geometry
    return SegmentationResult(
        geometry=geometry,
        lungs=phantom.lungs,
        lesions=lesions,
        probability=lesions * np.float32(0.9),
        disagreement=None,
        classes=("lesion",),
        severity=measure_severity(phantom.lungs, lesions, ("lesion",), geometry, None),
        flags=(),
        provenance={"models": {MODEL: {}}},
    )


def review(folder: Path, seed: int, patient: str | None, verdict: Verdict | None) -> ReviewedCase:
    """Save a generated CT as a case of this patient, with the true lesions after corrections."""
    phantom = chest(seed)
    corrected = verdict is Verdict.CORRECTED
    key = None if patient is None else patient_key(patient, folder)
    case = save_case(phantom.volume, prediction_of(phantom, 4 * corrected), key, folder)
    if corrected:
        case = save_labels(case, phantom.lungs, (phantom.lesions > 0).astype(np.uint8))
    return save_verdict(case, verdict, "")
