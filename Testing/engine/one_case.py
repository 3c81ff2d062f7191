"""One reviewed case, and an edit of its labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from COVIDLesionSegLib.engine.review import ReviewedCase, read_cases


def other_than(labels: np.ndarray) -> np.ndarray:
    """Labels that differ in one voxel."""
    edited = labels.copy()
    edited[1, 1, 1] = 1 - min(edited[1, 1, 1], 1)
    return edited


def only(folder: Path) -> ReviewedCase:
    """The only reviewed case of a folder, in which nothing is damaged."""
    cases, problems = read_cases(folder)
    assert problems == ()
    (case,) = cases
    return case
