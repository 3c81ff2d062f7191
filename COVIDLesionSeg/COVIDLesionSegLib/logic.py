"""The console API: one call from a CT node to segmentation, overlay and severity.

>>> from COVIDLesionSeg import COVIDLesionSegLogic
>>> result = COVIDLesionSegLogic().segment(volumeNode, model="amc-net", device="auto")
>>> result.segmentationNode, result.probabilityNode, result.severity.category
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from .engine.errors import Cancelled, DependencyError, InputError
from .engine.models.user_models import default_model
from .engine.parameters import Parameters
from .engine.progress import CancelToken, Progress, ProgressCallback, ignore_progress

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from slicer import (
        vtkMRMLNode,
        vtkMRMLPlotChartNode,
        vtkMRMLScalarVolumeNode,
        vtkMRMLSegmentationNode,
    )

    from .engine.cohort.record import CaseRecord
    from .engine.detection.result import LesionDetection
    from .engine.steps import Steps
    from .scene.follow_up import SceneComparison
    from .scene.prepared import PreparedResult
    from .scene.show import SceneLungs, SceneResult
    from .worker.job import WorkerJob

Result = TypeVar("Result")
Shown = TypeVar("Shown")

SAMPLE_CT_NAME = "Sample chest CT"
POLL_INTERVAL_SECONDS = 0.05


class COVIDLesionSegLogic:
    """What the module can do, without a window: for scripts, notebooks and Slicer's console.

    Works on Slicer's MRML with or without the Slicer application.
    """

    def segment(
        self,
        volumeNode: vtkMRMLScalarVolumeNode,
        progress: ProgressCallback | None = None,
        cancel: CancelToken | None = None,
        lungsNode: vtkMRMLSegmentationNode | None = None,
        **parameters: str | float | int | bool,
    ) -> SceneResult:
        """Segment a chest CT in a background process, as the panel does, and show the result.

        Returns when the result is in the scene. Slicer's window stays live meanwhile: events are
        processed while this waits.

        Args:
            volumeNode: The CT, in HU.
            progress: Called with a ``Progress`` at every step; what it raises ends the process and
                is passed on.
            cancel: Set it from a callback or another thread to stop at once; the scene stays
                unchanged.
            lungsNode: A segmentation with the lungs of the CT, known by their terminology, which
                are then not looked for.
            **parameters: Any field of :class:`~COVIDLesionSegLib.engine.parameters.Parameters`:
                ``model`` (several joined by ``+`` are an ensemble), ``combination``, ``lungs``,
                ``second_opinion``, ``device``, ``precision``, ``tiling``, ``threshold``,
                ``batch_size``, ``allow_untrained``.

        Returns:
            Nodes and numbers: ``segmentationNode``, ``probabilityNode``, ``severityTableNode``,
            ``severity`` and ``flags``; of an ensemble also ``disagreementNode``, else None.
            Running again on the same CT updates the same nodes.

        Raises:
            ParameterError: An unknown parameter, or one out of range.
            InputError: The volume is not a chest CT in HU, no lungs were found, or the CT was
                removed from the scene meanwhile.
            ModelError: A model is unknown, its weights are absent or damaged, or it finds other
                classes than the rest of its ensemble.
            DependencyError: A Python package is missing.
            DeviceError: The device is absent or out of memory.
            Cancelled: ``cancel`` was set.
            CovidLesionSegError: The background process ended unexpectedly, or a segmentation is
                running already.
        """
        from .scene.given_lungs import given_lungs, lung_segments
        from .scene.show import show_result

        lungs = None
        if lungsNode is not None:
            lungs = given_lungs(lungsNode, lung_segments(lungsNode, {}), volumeNode)
        return _segment(volumeNode, parameters, progress, cancel, show_result, lungs=lungs)

    def showDetection(
        self,
        volumeNode: vtkMRMLScalarVolumeNode,
        detection: LesionDetection,
        form: str = "segments",
    ) -> tuple[vtkMRMLNode, vtkMRMLPlotChartNode | None]:
        """Show lesions that ``detect`` found one by one, and the classes of slices.

        Args:
            volumeNode: The CT that they were found in.
            detection: What the job ``detect`` returned.
            form: ``"segments"``, one for each lesion, or ``"label-map"``, one of all.

        Returns:
            The node with the lesions, and the chart of the probability of every class by slice;
            None of a model that does not tell classes. Showing others removes both.

        Raises:
            InputError: The CT has another size than that of the lesions.
        """
        from .scene import names
        from .scene.lesion_instances import show_instances
        from .scene.slice_classes import show_slice_classes
        from .scene.volumes import world_geometry

        if world_geometry(volumeNode).shape != detection.labels.shape:
            raise InputError("The lesions were found in another CT: choose the one they are of.")
        node = show_instances(
            volumeNode, detection.labels, detection.lesions, form, names.DETECTION_ROLE
        )
        return node, show_slice_classes(volumeNode, detection.slices)

    def findLungs(
        self,
        volumeNode: vtkMRMLScalarVolumeNode,
        progress: ProgressCallback | None = None,
        cancel: CancelToken | None = None,
        **parameters: str | float | int | bool,
    ) -> SceneLungs:
        """Find the lungs of a chest CT and nothing else, to be corrected before the lesions.

        Pass the corrected segmentation on as ``lungsNode`` of :meth:`segment`.

        Args and errors: as for :meth:`segment`.

        Returns:
            ``segmentationNode`` and ``flags``.
        """
        from .scene.show import show_lungs

        return _segment(volumeNode, parameters, progress, cancel, show_lungs, only_lungs=True)

    def batch(
        self,
        sources: Sequence[str | Path],
        out: str | Path,
        progress: ProgressCallback | None = None,
        cancel: CancelToken | None = None,
        scene: bool = False,
        retryFailed: bool = False,
        **parameters: str | float | int | bool,
    ) -> tuple[CaseRecord, ...]:
        """Segment every CT of a cohort in a background process; the scene is not touched.

        Slicer's window stays live meanwhile, as in :meth:`segment`. Call it again with the same
        folder to go on after it was stopped: what is done is left alone.

        Args:
            sources: CT files, folders with CT files or DICOM series, or CSV files with the column
                ``ct``.
            out: Folder of the cohort: ``cohort.csv``, ``cohort.html``, and a result folder for
                each case in ``cases``.
            progress: Called with a ``Progress`` at every case.
            cancel: Set it to stop; what is finished stays.
            scene: Also write a scene and a picture of the 3D model of each case.
            retryFailed: Try cases again that failed in an earlier run.
            **parameters: As for :meth:`segment`.

        Returns:
            What became of each case: ``case``, ``place``, ``status`` (``"done"`` or ``"failed"``),
            ``numbers``, ``flags`` and ``error``.

        Raises:
            ParameterError, ModelError, DependencyError, DeviceError: As for :meth:`segment`.
            InputError: A source does not exist or holds no CT; a CT that cannot be read is a failed
                case.
            OutputError: The folder cannot be written, or holds files of another origin.
            Cancelled: ``cancel`` was set.
        """
        from .engine.cohort.record import forget_begun, read_records
        from .engine.steps import finish
        from .jobs import BatchOptions
        from .worker.job import job_in_background

        options = BatchOptions(
            sources=tuple(Path(source).expanduser().absolute() for source in sources),
            with_scene=scene,
            retry_failed=retryFailed,
            parameters=_parameters(parameters),
        )
        folder = Path(out).expanduser().absolute()
        try:
            return _wait(
                job_in_background("batch", options, read_records, out=folder), progress, cancel
            )
        except Cancelled:
            # The process was ended in the middle of a case, which is not its fault.
            finish(forget_begun(folder))
            raise

    def compare(
        self,
        volumeNodes: Sequence[vtkMRMLScalarVolumeNode],
        segmentationNodes: Sequence[vtkMRMLSegmentationNode] | None = None,
        days: Sequence[int] = (),
        out: str | Path | None = None,
        progress: ProgressCallback | None = None,
        cancel: CancelToken | None = None,
    ) -> SceneComparison:
        """Compare CTs of one patient in a background process, and show what became of lesions.

        Slicer's window stays live meanwhile, as in :meth:`segment`.

        Args:
            volumeNodes: Two or more CTs in HU, the earliest first.
            segmentationNodes: Lungs and lesions of each, known by their terminology; by default the
                results of this module for these CTs, with their corrections.
            days: Days from the first CT, one for each.
            out: Folder for the report, tables and segments as ``covid-lesion-seg compare`` writes
                them; nothing is kept by default.
            progress: Called with a ``Progress`` at every step.
            cancel: Set it to stop at once; the scene stays unchanged.

        Returns:
            ``facts``, the content of ``comparison.json``; and for each CT but the first a node in
            ``segmentationNodes`` with the segments new, persistent and resolved lesion on its grid,
            or None where lesions could not be matched (``facts["pairs"][n]["flags"]`` says why).

        Raises:
            ParameterError: There are fewer than two CTs, or not one day for each.
            InputError: A CT has no result, a segmentation lacks lungs or lesions or does not lie on
                its CT, or the days do not ascend.
            DependencyError: A Python package is missing.
            Cancelled: ``cancel`` was set.
        """
        from .scene.follow_up import show_comparison, studies_of
        from .worker.comparison import compare_in_background

        job = compare_in_background(
            studies_of(volumeNodes, segmentationNodes),
            days=tuple(days),
            page=out is not None,
            out=None if out is None else Path(out).expanduser().absolute(),
        )
        compared = _wait(job, progress, cancel)
        return show_comparison(volumeNodes, compared.facts, compared.changes)

    def sampleCT(
        self,
        progress: ProgressCallback | None = None,
        cancel: CancelToken | None = None,
        seed: int = 0,
    ) -> vtkMRMLScalarVolumeNode:
        """Generate a chest CT with lesions of COVID-19 in a background process, and load it.

        Nothing is downloaded. Slicer's window stays live meanwhile, as in :meth:`segment`.

        Args:
            progress: Called with a ``Progress`` at every step.
            cancel: Set it to stop at once; the scene stays unchanged.
            seed: Decides the invented patient and the lesions, from 0 up.

        Returns:
            The CT, in HU, in a lung window.

        Raises:
            ParameterError: ``seed`` is negative.
            DependencyError: A Python package is missing.
            Cancelled: ``cancel`` was set.
            CovidLesionSegError: The background process ended unexpectedly.
        """
        from .engine.volume.exact import load_volume
        from .jobs import SampleCtOptions
        from .scene.volumes import volume_to_node
        from .worker.job import job_in_background

        job = job_in_background("sample_ct", SampleCtOptions(seed=seed), load_volume)
        return volume_to_node(_wait(job, progress, cancel), SAMPLE_CT_NAME)


def _parameters(given: dict[str, str | float | int | bool]) -> Parameters:
    """What the user gave, with the user's default model where none is named."""
    return Parameters.from_dict({"model": default_model(), **given})


def _segment(
    volume_node: vtkMRMLScalarVolumeNode,
    parameters: dict[str, str | float | int | bool],
    progress: ProgressCallback | None,
    cancel: CancelToken | None,
    show: Callable[[vtkMRMLScalarVolumeNode, PreparedResult], Shown],
    lungs: Steps[npt.NDArray[np.uint8]] | None = None,
    only_lungs: bool = False,
) -> Shown:
    """Run a worker process to its end, with Slicer's events processed meanwhile, and show it."""
    from .scene.prepared import load_prepared
    from .scene.volumes import ct_matrix, volume_from_node_in_steps
    from .worker.segmentation import segment_in_background
    from .worker.turn import SEGMENTATION_TURN

    chosen = _parameters(parameters)
    cancel = cancel or CancelToken()
    cancel.raise_if_cancelled()
    holder = object()

    def tell(report: Progress) -> None:
        SEGMENTATION_TURN.report(holder, report)
        (progress or ignore_progress)(report)

    SEGMENTATION_TURN.take(holder, cancel.cancel, volume_node)
    shown: Shown | None = None
    ended_by: BaseException | None = None
    try:
        job = segment_in_background(
            volume_from_node_in_steps(volume_node),
            chosen,
            partial(load_prepared, volume_node),
            surfaces_on=ct_matrix(volume_node),
            lungs=lungs,
            only_lungs=only_lungs,
        )
        prepared = _wait(job, tell, cancel)
        if volume_node.GetScene() is None:
            raise InputError("The CT was removed from the scene while it was segmented.")
        shown = show(volume_node, prepared)
        return shown
    except DependencyError as error:
        ended_by = error
        raise DependencyError(
            f"{error} In 3D Slicer, press Apply in the module COVID-19 Lesion Segmentation once, "
            "which offers to install what is missing."
        ) from error
    except BaseException as error:
        ended_by = error
        raise
    finally:
        SEGMENTATION_TURN.give_back(holder, shown, ended_by)


def _wait(
    job: WorkerJob[Result], progress: ProgressCallback | None, cancel: CancelToken | None
) -> Result:
    """The result of a job; Slicer's window stays live until it is there."""
    import slicer

    from .worker.background import BackgroundJob

    running = BackgroundJob(
        job, progress or ignore_progress, temporary_path=str(slicer.app.temporaryPath)
    )
    # Slicer cannot end before this returns, and says aboutToQuit() only then. Where the main window
    # was not seen, the last window may be a dialog of the caller's.
    window = slicer.util.mainWindow()
    seen = window is not None and window.visible

    def end() -> None:
        if seen and not window.visible:
            running.cancel()

    slicer.app.connect("lastWindowClosed()", end)
    try:
        while (result := running.poll()) is None:
            if cancel is not None and cancel.cancelled:
                running.cancel()
            slicer.app.processEvents()
            if not running.hurries:
                time.sleep(POLL_INTERVAL_SECONDS)
    finally:
        slicer.app.disconnect("lastWindowClosed()", end)
        running.close()
    return result
