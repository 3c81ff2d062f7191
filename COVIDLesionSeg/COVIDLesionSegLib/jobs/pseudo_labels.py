"""Ground glass and consolidation of a CT without an expert or a network (DRSegUNet)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..engine.errors import LungsNotFoundError, OutputError
from ..engine.labels import CLASSES
from ..engine.lungs import get_extractor
from ..engine.progress import (
    CancelToken,
    Progress,
    ProgressCallback,
    ignore_progress,
    sub_progress,
)
from ..engine.self_training.pseudo_labels import lung_field, pseudo_labels
from ..engine.volume import read_volume
from ..report.pseudo_labels import write_pseudo_labels
from .options import PseudoLabelOptions

_LUNGS, _LABELLING, _WRITING = 0.1, 0.6, 0.95
"""Fractions of the whole job at which these stages start."""


def pseudo_label(
    options: PseudoLabelOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> dict[str, float]:
    """Label ground glass and consolidation by density and shape, to learn from.

    Args:
        options: The CT, and how its lungs are found.
        out: A new file on the CT's grid: ``.seg.nrrd``, or ``.nrrd`` for a label map.
        progress: Called with progress.
        cancel: Set it to stop the job between two steps.

    Returns:
        Fraction of the lungs that each class fills, 0 to 1.

    Raises:
        CovidLesionSegError: One of its kinds; there is no ``out``.
        Cancelled: ``cancel`` was set; there is no ``out``.
    """
    cancel = cancel or CancelToken()
    out = Path(out).expanduser().absolute()
    _check_new(out)
    progress(Progress("Reading the CT", 0.0))
    volume = read_volume(options.ct, options.series)
    progress(Progress("Finding the lungs", _LUNGS))
    if options.thesis_lungs:
        lungs = lung_field(volume.axial)
    else:
        finding = sub_progress(progress, _LUNGS, _LABELLING)
        extractor = get_extractor(options.parameters)
        lungs = extractor.extract(volume.axial, volume.axial_spacing, finding, cancel).labels
    inside = np.count_nonzero(lungs)
    if not inside:
        raise LungsNotFoundError("No lungs were found: check that the CT is whole slices, in HU.")
    cancel.raise_if_cancelled()
    progress(Progress("Labelling", _LABELLING))
    labels = pseudo_labels(volume.axial, lungs, volume.axial_spacing, cancel, options.rule)
    cancel.raise_if_cancelled()
    progress(Progress("Writing the labels", _WRITING))
    write_pseudo_labels(volume.on_grid(labels), volume.geometry, out)
    progress(Progress("Done", 1.0))
    return {name: np.count_nonzero(labels == n) / inside for n, name in enumerate(CLASSES, start=1)}


def _check_new(out: Path) -> None:
    if out.suffix.lower() != ".nrrd":
        raise OutputError(f"{out.name} must end in .seg.nrrd or .nrrd.")
    if out.exists():
        raise OutputError(
            f"{out.name} exists already: pseudo-labels replace nothing, so choose a new name."
        )
    if not out.parent.is_dir():
        raise OutputError(f"There is no folder for {out.name}: make it, or choose another.")
