"""One case of a cohort, with its CT, written for the window that is to show it."""

from __future__ import annotations

from pathlib import Path

from ..engine.cohort.record import OPENED_CT, OPENED_RESULT
from ..engine.cohort.sources import find_cases
from ..engine.errors import InputError
from ..engine.files import atomic_folder
from ..engine.progress import CancelToken, Progress, ProgressCallback, ignore_progress
from ..engine.result import SegmentationResult, save_result
from ..engine.volume import read_volume
from ..engine.volume.exact import save_volume
from ..engine.volume.fingerprint import made_from
from ..report.result_files import CASE_FOLDER
from ..report.result_reading import read_result
from ..scene.labels import segments_of
from ..scene.surfaces import save_surfaces
from .options import OpenCaseOptions


def open_case(
    options: OpenCaseOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> SegmentationResult:
    """Read a case's CT and result, and write both exactly, with the surfaces that a scene shows.

    Args:
        options: The case, its cohort, and the CTs that this was made of.
        out: A new folder, which :func:`~..scene.opened_case.load_case` reads.
        progress: Called with progress.
        cancel: Set it to stop the job between two steps.

    Returns:
        The result.

    Raises:
        InputError: There is no such case, its CT cannot be read, or its result is damaged or of
            another CT; there is no ``out``.
        OutputError: The folder cannot be written.
        Cancelled: ``cancel`` was set; there is no ``out``.
    """
    cancel = cancel or CancelToken()
    progress(Progress("Looking for the CT", 0.0))
    cases = [case for case in find_cases(options.sources)[0] if case.case == options.case]
    if not cases:
        raise InputError(
            f"The CTs hold no case {options.case}: choose the folder or table that the cohort was "
            "made of."
        )
    cancel.raise_if_cancelled()
    progress(Progress("Reading the CT", 0.2))
    volume = read_volume(cases[0].source, cases[0].series)
    cancel.raise_if_cancelled()
    progress(Progress("Reading the result", 0.5))
    result = read_result(options.cohort / CASE_FOLDER / options.case, volume.geometry)
    if made_from(result.provenance, volume) is False:
        raise InputError(
            f"The CT of the case {options.case} is another one than its result was made from: put "
            "the earlier CT back, or segment the cohort again."
        )
    cancel.raise_if_cancelled()
    progress(Progress("Making the 3D model", 0.7))
    with atomic_folder(Path(out)) as staging:
        (staging / OPENED_CT).mkdir()
        save_volume(volume, staging / OPENED_CT)
        save_result(
            result,
            staging / OPENED_RESULT,
            lambda folder: save_surfaces(
                segments_of(result), volume.geometry.ijk_to_ras, folder, cancel
            ),
        )
    return result
