"""A reviewed case, written for the window that shows its CT."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..engine.errors import InputError
from ..engine.progress import CancelToken, Progress, ProgressCallback, ignore_progress
from ..engine.result import SegmentationResult, save_result
from ..engine.review import read_case, reoriented, result_on
from ..engine.steps import finish
from ..engine.volume.exact import geometry_from_facts
from ..engine.volume.raw_nrrd import write_in_steps
from ..scene.labels import EDITED_FILES, segments_of
from ..scene.surfaces import save_surfaces
from .options import RestoreCaseOptions


def restore_case(
    options: RestoreCaseOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> SegmentationResult:
    """Write the prediction of a reviewed case as a result, with its lungs and lesions as edited.

    The surfaces are those of the edited lungs and lesions.

    Args:
        options: The case, and the CT's grid as the window has it.
        out: A new folder for :func:`~COVIDLesionSegLib.engine.result.save_result`.
        progress: Called with progress.
        cancel: Set it to stop the job between two steps.

    Returns:
        The prediction.

    Raises:
        InputError: The case is damaged, or of another CT; there is no ``out``.
        Cancelled: ``cancel`` was set; there is no ``out``.
    """
    cancel = cancel or CancelToken()
    progress(Progress("Reading the reviewed case", 0.0))
    case = read_case(options.case)
    try:
        geometry = geometry_from_facts(json.loads(options.grid.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputError("The CT's grid cannot be read: try again.") from error
    result = result_on(case.result(), geometry)
    cancel.raise_if_cancelled()
    lungs, lesions = (
        np.ascontiguousarray(reoriented(labels, case.geometry, geometry))
        for labels in (case.lungs(), case.lesions())
    )
    edited = replace(result, lungs=lungs, lesions=lesions)

    def also(folder: Path) -> None:
        for name, file in EDITED_FILES.items():
            finish(write_in_steps(getattr(edited, name), geometry, folder / file))
        if options.surfaces_on:
            progress(Progress("Making the 3D model", 0.5))
            matrix = np.reshape(options.surfaces_on, (4, 4))
            save_surfaces(segments_of(edited), matrix, folder, cancel)

    save_result(result, Path(out), also)
    progress(Progress("Handing over the case", 1.0))
    return result
