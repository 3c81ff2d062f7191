"""Ground glass and consolidation by density, without a network (DRSegUNet)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..engine.data.slice_folder import read_slice_folder, slices_per_patient, write_slice_folder
from ..engine.data.slice_index import INDEX_CSV
from ..engine.errors import InputError, LungsNotFoundError, OutputError
from ..engine.files import output_path
from ..engine.labels import CLASSES
from ..engine.lungs import get_extractor
from ..engine.progress import (
    CancelToken,
    Progress,
    ProgressCallback,
    ignore_progress,
    sub_progress,
)
from ..engine.self_training.lung_field import lung_field
from ..engine.self_training.outlined_lesions import classes_by_density
from ..engine.self_training.pseudo_labels import pseudo_labels
from ..engine.volume import read_volume
from ..report.pseudo_labels import write_pseudo_labels
from .options import PseudoLabelOptions

_LUNGS, _LABELLING, _WRITING = 0.1, 0.6, 0.95
"""Fractions of the whole job at which these stages start."""


@dataclass(frozen=True)
class PseudoLabelled:
    """What became of the labels.

    Attributes:
        fractions: Part of the region that each class fills, 0 to 1, by its name.
        region: ``"lungs"``; or ``"lesions"`` that experts outlined.
        left_out: Slices that are not in the new folder, as their HU are not known.
    """

    fractions: dict[str, float]
    region: str
    left_out: int = 0


def pseudo_label(
    options: PseudoLabelOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> PseudoLabelled:
    """Label ground glass and consolidation by density and shape, to learn from.

    In a slice folder, whose lesions experts outlined, the outlines stay: density alone decides.

    Args:
        options: The CT, and how its lungs are found; or a slice folder.
        out: A new file on the CT's grid: ``.seg.nrrd``, or ``.nrrd`` for a label map. Of a slice
            folder a new one.
        progress: Called with progress.
        cancel: Set it to stop the job between two steps.

    Raises:
        CovidLesionSegError: One of its kinds; there is no ``out``.
        Cancelled: ``cancel`` was set; there is no ``out``.
    """
    cancel = cancel or CancelToken()
    out = output_path(out)
    if (options.ct / INDEX_CSV).is_file():
        return _sort_outlined(options.ct, out, progress, cancel)
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
    inside = int(np.count_nonzero(lungs))
    if not inside:
        raise LungsNotFoundError("No lungs were found: check that the CT is whole slices, in HU.")
    cancel.raise_if_cancelled()
    progress(Progress("Labelling", _LABELLING))
    labels = pseudo_labels(volume.axial, lungs, volume.axial_spacing, cancel, options.rule)
    cancel.raise_if_cancelled()
    progress(Progress("Writing the labels", _WRITING))
    write_pseudo_labels(volume.on_grid(labels), volume.geometry, out)
    progress(Progress("Done", 1.0))
    return PseudoLabelled(_fractions(labels, inside), "lungs")


def _fractions(labels: np.ndarray, whole: int) -> dict[str, float]:
    return {name: np.count_nonzero(labels == n) / whole for n, name in enumerate(CLASSES, start=1)}


def _sort_outlined(
    folder: Path, out: Path, progress: ProgressCallback, cancel: CancelToken
) -> PseudoLabelled:
    """Write the slices in HU of a slice folder anew, their lesions sorted by density."""
    slices, left_out = [], 0
    patients = list(slices_per_patient(folder))
    for number, patient in enumerate(patients):
        cancel.raise_if_cancelled()
        progress(Progress(f"Sorting the lesions of {patient}", _WRITING * number / len(patients)))
        items = read_slice_folder(folder, [patient], with_lungs=True)
        in_hu = [item for item in items if not item.windowed]
        left_out += len(items) - len(in_hu)
        slices += [classes_by_density(item) for item in in_hu]
    if not slices:
        raise InputError(
            "All slices of this folder were windowed before they were stored, so the density of "
            "their lesions is not known: name slices in HU."
        )
    labels = np.concatenate([item.lesion.ravel() for item in slices])
    if not labels.any():
        raise InputError("No slice of this folder shows a lesion: name slices that do.")
    progress(Progress("Writing the slices", _WRITING))
    write_slice_folder(slices, out)
    progress(Progress("Done", 1.0))
    return PseudoLabelled(_fractions(labels, int(np.count_nonzero(labels))), "lesions", left_out)


def _check_new(out: Path) -> None:
    if out.suffix.lower() != ".nrrd":
        raise OutputError(f"{out.name} must end in .seg.nrrd or .nrrd.")
    if out.exists():
        raise OutputError(
            f"{out.name} exists already: pseudo-labels replace nothing, so choose a new name."
        )
    if not out.parent.is_dir():
        raise OutputError(f"There is no folder for {out.name}: make it, or choose another.")
