"""The console API: one call from a CT node to segmentation, overlay and severity.

>>> from COVIDLesionSeg import COVIDLesionSegLogic
>>> result = COVIDLesionSegLogic().segment(volumeNode, model="amc-net", device="auto")
>>> result.segmentationNode, result.probabilityNode, result.severity.category
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .engine.errors import DependencyError
from .engine.models.user_models import default_model
from .engine.parameters import Parameters
from .engine.progress import CancelToken, ProgressCallback, ignore_progress

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode

    from .scene.show import SceneResult


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
        """Segment a chest CT and show the result in the scene, in this process.

        The panel does the same in a background process; both give identical results.

        Args:
            volumeNode: The CT, in HU.
            progress: Called with a ``Progress`` at every step.
            cancel: Set it from a callback or another thread to stop; the scene stays unchanged.
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
            InputError: The volume is not a chest CT in HU, or no lungs were found.
            ModelError: A model is unknown, its weights are absent or damaged, or it tells other
                classes than the rest of its ensemble.
            DependencyError: A Python package is missing.
            DeviceError: The device is absent or out of memory.
            Cancelled: ``cancel`` was set.
        """
        from .scene.show import show_result
        from .scene.volumes import volume_from_node

        volume = volume_from_node(volumeNode)
        chosen = Parameters.from_dict({"model": default_model(), **parameters})
        try:
            from .engine.pipeline import segment

            result = segment(volume, chosen, report=progress or ignore_progress, cancel=cancel)
        except ImportError as error:
            raise DependencyError(
                f"{error.name or 'A Python package'} is missing: press Apply in the module "
                "COVID-19 Lesion Segmentation once, which offers to install it."
            ) from error
        return show_result(volumeNode, result)
