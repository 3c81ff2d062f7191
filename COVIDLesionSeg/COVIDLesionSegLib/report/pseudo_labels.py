"""Pseudo-labels as one NRRD file, which 3D Slicer opens as segments that say what they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .. import RESEARCH_USE_NOTICE
from ..engine.labels import CLASSES, PSEUDO_LABEL_MARK, class_style
from ..engine.volume import Geometry
from .segments_file import WrittenSegment, write_segments


def write_pseudo_labels(labels: np.ndarray, geometry: Geometry, path: Path) -> None:
    """Write labels with the header of Slicer's ``.seg.nrrd`` files.

    Name, id and comment of every segment say that it is a pseudo-label.

    Args:
        labels: uint8 (k, j, i): 1 ground-glass opacity, 2 consolidation.
        geometry: The CT's grid.
        path: Ends in ``.nrrd``.

    Raises:
        OutputError: The file cannot be written.
    """
    segments = [
        WrittenSegment(
            f"pseudo-{style.id}",
            f"{style.name} - {PSEUDO_LABEL_MARK}",
            style,
        )
        for style in map(class_style, CLASSES)
    ]
    comment = (
        "Pseudo-labels by density and shape (DRSegUNet thesis, Section 4.4.1), not an expert's. "
        f"{RESEARCH_USE_NOTICE}"
    )
    write_segments(labels, geometry, path, segments, comment)
