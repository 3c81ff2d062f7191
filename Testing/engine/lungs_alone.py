"""The result of a job that looked for the lungs only, made of a whole one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from COVIDLesionSegLib.engine.result import SegmentationResult


def lungs_alone(result: SegmentationResult) -> SegmentationResult:
    """The same without lesions."""
    nothing = np.zeros_like(result.lungs)
    return replace(
        result,
        lesions=nothing,
        probability=nothing.astype(np.float32),
        classes=(),
        severity=result.severity.ungraded(),
    )
