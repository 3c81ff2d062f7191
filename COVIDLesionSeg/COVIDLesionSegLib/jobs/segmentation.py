"""The main job: a CT in; lungs, lesions, severity and everything that shows them out."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..engine.flags import Flag
from ..engine.inference.allocator import tune_allocator
from ..engine.lungs.given import read_lungs
from ..engine.models.choice import check_choice
from ..engine.models.speed import remember_speed
from ..engine.parameters import Parameters
from ..engine.progress import (
    CancelToken,
    Progress,
    ProgressCallback,
    ignore_progress,
    sub_progress,
)
from ..engine.result import SegmentationResult, save_result
from ..engine.severity.lobes_file import read_lobes
from ..engine.volume import Volume, read_array, read_volume, write_volume
from ..engine.volume.exact import load_volume
from ..report.result_files import GENERATED_CT
from .dicom_output import dicom_output
from .given_lobes import with_given_lobes
from .options import DemoOptions, SegmentOptions, SegmentVolumeOptions
from .preloading import loading_beside
from .result_folder import result_folder

if TYPE_CHECKING:
    from ..report.dicom_files import DicomOutput

_DEMO_SIZE = (432, 336, 56)
_DEMO_SPACING_MM = (0.75, 0.75, 5.0)
_LOADING, _SEGMENTING, _WRITING = 0.02, 0.05, 0.8
_SURFACES = 0.95
"""Fractions of the whole job at which these stages start."""

_LIBRARIES = ("torch", "vtk", "slicer", "matplotlib.figure")
"""Those that take long to load, in the order in which they are needed."""


def segment(
    options: SegmentOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> SegmentationResult:
    """Segment one CT and write numbers, pictures, segmentation, scene and report.

    What would stop the job at its end is looked for at its start: a folder that cannot be written,
    pictures that cannot be drawn, a model that is unknown, a CT that is no DICOM series where DICOM
    files are wanted.

    Args:
        options: The CT and everything that decides the result.
        out: Result folder: absent, empty, or an earlier result, which is replaced as a whole.
        progress: Called with progress.
        cancel: Set it to stop the job between two steps.

    Returns:
        The result, on the CT's own grid.

    Raises:
        CovidLesionSegError: One of its kinds, see :mod:`~COVIDLesionSegLib.engine.errors`; ``out``
            is as it was.
        Cancelled: ``cancel`` was set; ``out`` is as it was.

    Example:
        >>> from COVIDLesionSegLib import jobs
        >>> from COVIDLesionSegLib.engine.parameters import Parameters
        >>> options = jobs.SegmentOptions(ct="ct.nii.gz", parameters=Parameters(model="eamc"))
        >>> result = jobs.segment(options, "result")  # doctest: +SKIP
        >>> result.severity.category  # doctest: +SKIP
        'CT-1'
    """
    return _segment(
        lambda staging: read_volume(options.ct, options.series),
        options.parameters,
        Path(out),
        progress,
        cancel or CancelToken(),
        inputs=tuple(filter(None, (options.ct, options.lungs_file, options.lobes_file))),
        lungs_file=options.lungs_file,
        lobes=None if options.lobes_file is None else (options.lobes_file, options.lobe_labels),
        title=options.report_title,
        paper=options.pdf,
        get_dicom=lambda: dicom_output(options, options.ct, options.series),
    )


def demo(
    options: DemoOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> SegmentationResult:
    """The same on a generated chest CT, which is written with the result; needs nothing else.

    Args and errors: as for :func:`segment`.
    """
    return _segment(_generate_ct, options.parameters, Path(out), progress, cancel or CancelToken())


def segment_volume(
    options: SegmentVolumeOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> SegmentationResult:
    """Segment a CT of another process, and write the result exactly, for that process to read.

    With the matrix of the CT's node, the surfaces that a scene shows are written, too.

    Args:
        options: Where :func:`~COVIDLesionSegLib.engine.volume.exact.save_volume` wrote the CT, and
            everything that decides the result.
        out: A new folder for :func:`~COVIDLesionSegLib.engine.result.save_result`.
        progress: Called with progress.
        cancel: Set it to stop the job between two steps.

    Raises:
        CovidLesionSegError: As for :func:`segment`; there is no ``out``.
        Cancelled: ``cancel`` was set; there is no ``out``.
    """
    cancel = cancel or CancelToken()
    # Read first: a bad request is refused before torch takes its seconds to load.
    volume = load_volume(options.volume)
    segmenting = sub_progress(progress, 0.0, _SURFACES)
    if options.only_lungs:
        result = _find_lungs(volume, options.parameters, segmenting, cancel)
    else:
        tune_allocator()
        lungs = None if options.lungs_file is None else read_array(options.lungs_file)[0]
        result = _run_pipeline(volume, options.parameters, segmenting, cancel, lungs)
    if options.note:
        note = Flag("another-attempt", options.note, level="note")
        result = replace(result, flags=(*result.flags, note))
    cancel.raise_if_cancelled()

    def make_surfaces(folder: Path) -> None:
        if options.surfaces_on:
            progress(Progress("Making the 3D model", _SURFACES))
            from ..scene.labels import segments_of
            from ..scene.surfaces import save_surfaces

            matrix = np.reshape(options.surfaces_on, (4, 4))
            save_surfaces(segments_of(result), matrix, folder, cancel)

    save_result(result, Path(out), make_surfaces)
    progress(Progress("Handing over the result", 1.0))
    return result


def _segment(
    get_volume: Callable[[Path], Volume],
    parameters: Parameters,
    out: Path,
    progress: ProgressCallback,
    cancel: CancelToken,
    inputs: tuple[Path, ...] = (),
    lungs_file: Path | None = None,
    lobes: tuple[Path, str | None] | None = None,
    title: str = "",
    paper: str | None = None,
    get_dicom: Callable[[], DicomOutput | None] = lambda: None,
) -> SegmentationResult:
    """Get a CT, which may write files of its own into the staging folder, and segment it."""
    progress(Progress("Starting", 0.0))
    tune_allocator()  # before any thread begins, which would keep blocks of its own
    with result_folder(out, inputs) as staging:
        from ..headless.bootstrap import require_rendering

        if paper is not None:
            from ..report.report_pdf import require_pdf

            require_pdf()
        check_choice(parameters, lungs_given=lungs_file is not None)
        dicom = get_dicom()
        with loading_beside(*_LIBRARIES), ThreadPoolExecutor(1) as beside:
            rendering = beside.submit(require_rendering)
            progress(Progress("Reading the CT", 0.01))
            volume = get_volume(staging)
            lungs = None if lungs_file is None else read_lungs(lungs_file, volume.geometry)
            placed = None if lobes is None else read_lobes(*lobes, volume.geometry)
            wait([rendering])
            cancel.raise_if_cancelled()
            rendering.result()
            segmenting = sub_progress(progress, _LOADING, _WRITING)
            result = _run_pipeline(volume, parameters, segmenting, cancel, lungs)
        if placed is not None:
            result = with_given_lobes(result, placed)
        progress(Progress("Loading what draws the result", _WRITING))
        from ..report.segmentation import write_segmentation

        writing = sub_progress(progress, _WRITING, 1.0)
        write_segmentation(
            volume, result, staging, writing, cancel, title=title, paper=paper, dicom=dicom
        )
    progress(Progress("Done", 1.0))
    return result


def _find_lungs(
    volume: Volume, parameters: Parameters, progress: ProgressCallback, cancel: CancelToken
) -> SegmentationResult:
    progress(Progress("Loading the software", 0.0))
    from ..engine.pipeline import find_lungs

    return find_lungs(volume, parameters, sub_progress(progress, _SEGMENTING, 1.0), cancel)


def _run_pipeline(
    volume: Volume,
    parameters: Parameters,
    progress: ProgressCallback,
    cancel: CancelToken,
    lungs: npt.NDArray[Any] | None = None,
) -> SegmentationResult:
    start = time.perf_counter()
    progress(Progress("Loading PyTorch", 0.0))
    from ..engine.pipeline import segment as run

    result = run(volume, parameters, sub_progress(progress, _SEGMENTING, 1.0), cancel, lungs)
    if lungs is not None:  # the time of a whole run is not known then
        return result
    models = result.provenance["models"]
    ran_on = next(iter(models.values()))
    remember_speed(
        models,
        ran_on["device"],
        ran_on["hardware"],
        parameters.lungs,
        len(volume.axial),
        time.perf_counter() - start,
    )
    return result


def _generate_ct(staging: Path) -> Volume:
    from ..engine.phantom import generate_chest_ct

    volume = generate_chest_ct(size=_DEMO_SIZE, spacing=_DEMO_SPACING_MM).volume
    write_volume(volume.array, volume.geometry, staging / GENERATED_CT)
    return volume
