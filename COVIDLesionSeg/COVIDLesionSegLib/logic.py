"""The console API: one call from a CT node to segmentation, overlay and severity.

>>> from COVIDLesionSeg import COVIDLesionSegLogic
>>> result = COVIDLesionSegLogic().segment(volumeNode, model="amc-net", device="auto")
>>> result.segmentationNode, result.probabilityNode, result.severity.category
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from .engine.errors import DependencyError, InputError
from .engine.models.user_models import default_model
from .engine.parameters import Parameters
from .engine.progress import CancelToken, ProgressCallback, ignore_progress

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode

    from .scene.prepared import PreparedResult
    from .scene.show import SceneResult
    from .worker.background import BackgroundJob

Result = TypeVar("Result")

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
            **parameters: Any field of :class:`~COVIDLesionSegLib.engine.parameters.Parameters`:
                ``model`` (several joined by ``+`` are an ensemble), ``combination``, ``lungs``,
                ``device``, ``precision``, ``tiling``, ``threshold``, ``batch_size``,
                ``allow_untrained``.

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
            CovidLesionSegError: The background process ended unexpectedly.
        """
        from .scene.show import show_result

        chosen = Parameters.from_dict({"model": default_model(), **parameters})
        prepared = _segment(
            volumeNode, chosen, progress or ignore_progress, cancel or CancelToken()
        )
        if volumeNode.GetScene() is None:
            raise InputError("The CT was removed from the scene while it was segmented.")
        return show_result(volumeNode, prepared)

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
        from .jobs import SampleCtOptions
        from .scene.volumes import volume_to_node
        from .worker.sample import sample_ct_in_background

        job = sample_ct_in_background(
            SampleCtOptions(seed=seed),
            progress or ignore_progress,
            temporary_path=_temporary_path(),
        )
        return volume_to_node(_wait(job, cancel or CancelToken()), SAMPLE_CT_NAME)


def _segment(
    volume_node: vtkMRMLScalarVolumeNode,
    parameters: Parameters,
    progress: ProgressCallback,
    cancel: CancelToken,
) -> PreparedResult:
    """Run a worker process to its end, with Slicer's events processed meanwhile."""
    from .scene.prepared import load_prepared
    from .scene.volumes import ct_matrix, volume_from_node_in_steps
    from .worker.segmentation import segment_in_background

    cancel.raise_if_cancelled()
    job = segment_in_background(
        volume_from_node_in_steps(volume_node),
        parameters,
        partial(load_prepared, volume_node),
        progress,
        surfaces_on=ct_matrix(volume_node),
        temporary_path=_temporary_path(),
    )
    try:
        return _wait(job, cancel)
    except DependencyError as error:
        raise DependencyError(
            f"{error} In 3D Slicer, press Apply in the module COVID-19 Lesion Segmentation once, "
            "which offers to install what is missing."
        ) from error


def _wait(job: BackgroundJob[Result], cancel: CancelToken) -> Result:
    """The result of a job; Slicer's window stays live until it is there."""
    import slicer

    try:
        while (result := job.poll()) is None:
            if cancel.cancelled:
                job.cancel()
            slicer.app.processEvents()
            if not job.hurries:
                time.sleep(POLL_INTERVAL_SECONDS)
    finally:
        job.close()
    return result


def _temporary_path() -> str:
    import slicer

    return str(slicer.app.temporaryPath)
