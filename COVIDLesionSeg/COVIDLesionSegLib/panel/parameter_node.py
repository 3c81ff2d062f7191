"""The panel's state, kept in the scene: saved with it, restored with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from .. import logic
from ..engine.parameters import Parameters
from ..engine.result import OVERLAY_FROM
from ..scene.overlay import DISAGREEMENT_FROM
from ..scene.segmentation import LUNGS_OPACITY
from .choices import (
    ColorMap,
    Combination,
    Device,
    OverlayKind,
    Precision,
    SeverityRule,
    ThreeD,
    Tiling,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import vtk
    from slicer import vtkMRMLScriptedModuleNode

    class _Wrapper:
        """What ``parameterNodeWrapper`` adds to a class."""

        def __init__(self, parameterNode: vtkMRMLScriptedModuleNode) -> None: ...
        def connectGui(self, gui: object) -> int: ...
        def disconnectGui(self, guiTag: int) -> None: ...
        def AddObserver(
            self, event: int, callback: Callable[[vtk.vtkObject, str], None], priority: float = 0.0
        ) -> int: ...
        def RemoveObserver(self, tag: int) -> None: ...

else:
    _Wrapper = object

_DEFAULT = Parameters()


@parameterNodeWrapper
class COVIDLesionSegParameterNode(_Wrapper):
    """The CT, everything in :class:`~COVIDLesionSegLib.engine.parameters.Parameters`, and choices
    about what is shown.

    Attributes:
        ct: The chest CT to segment, or None.
        model: Model id from the catalogue, or several joined by ``+``; the user's default model
            until one is chosen.
        lungs: Name of a lung extractor, or id of a model that finds lungs.
        secondOpinion: Id of a model that looks at the lungs, too, or ``none``.
        sliceClassifier: Id of a model that says which slices need no segmentation, or ``none``.
        combination, device, tiling, precision: As in ``Parameters``, as enumerations with labels.
        threshold: Lesion probability above which a voxel is lesion.
        smallestLesionMl: Areas of lesion below this volume, in ml, are left out.
        lesionFreeMl: Lesion volume, in ml, up to which a CT is graded CT-0.
        batchSize: Patches per forward pass; 0 chooses from the device, 1 takes least memory.
        allowUntrained: Whether networks without trained weights may run.
        givenLungs: A segmentation with the lungs, which are then not looked for, or None.
        lungSegments: Segment id by lung where the user chose one, as JSON.
        severityRule: The published rule whose category is shown large.
        lobes: A segmentation of the lobes, or None.
        lobeSegments: Segment id by lobe where the user chose one, as JSON.
        overlayVisible: Whether slice views show an overlay over the CT.
        overlayShown: Which one.
        overlayOpacity: Its opacity, 0 to 1.
        probabilityFrom, disagreementFrom: Values below are transparent; for the eye only.
        colorMap: Colours of the lesion probability.
        threeD: What 3D views show of the result.
        lungsOpacity: Opacity of the lungs' surfaces, 0 to 1.
    """

    ct: vtkMRMLScalarVolumeNode
    model: str = ""
    combination: Combination = Combination(_DEFAULT.combination)
    lungs: str = _DEFAULT.lungs
    secondOpinion: str = _DEFAULT.second_opinion
    sliceClassifier: str = _DEFAULT.slice_classifier
    device: Device = Device(_DEFAULT.device)
    tiling: Tiling = Tiling(_DEFAULT.tiling)
    precision: Precision = Precision(_DEFAULT.precision)
    threshold: Annotated[float, WithinRange(0.01, 0.99)] = _DEFAULT.threshold
    smallestLesionMl: Annotated[float, WithinRange(0.0, 5.0)] = _DEFAULT.smallest_lesion_ml
    lesionFreeMl: Annotated[float, WithinRange(0.0, 20.0)] = _DEFAULT.lesion_free_ml
    batchSize: Annotated[int, WithinRange(0, 64)] = _DEFAULT.batch_size
    allowUntrained: bool = _DEFAULT.allow_untrained
    givenLungs: vtkMRMLSegmentationNode
    lungSegments: str = ""
    severityRule: SeverityRule = SeverityRule.WORSE_LUNG
    lobes: vtkMRMLSegmentationNode
    lobeSegments: str = ""
    overlayVisible: bool = True
    overlayShown: OverlayKind = OverlayKind.PROBABILITY
    overlayOpacity: Annotated[float, WithinRange(0.0, 1.0)] = 0.5
    probabilityFrom: Annotated[float, WithinRange(0.0, 1.0)] = OVERLAY_FROM
    disagreementFrom: Annotated[float, WithinRange(0.0, 1.0)] = DISAGREEMENT_FROM
    colorMap: ColorMap = ColorMap.JET
    threeD: ThreeD = ThreeD.SURFACES
    lungsOpacity: Annotated[float, WithinRange(0.0, 1.0)] = LUNGS_OPACITY


def parameters_from_node(node: COVIDLesionSegParameterNode) -> Parameters:
    """The engine's parameters, validated; ParameterError if one is out of range."""
    return Parameters(
        model=node.model,
        combination=node.combination.value,
        lungs=node.lungs,
        second_opinion=node.secondOpinion,
        slice_classifier=node.sliceClassifier,
        device=node.device.value,
        precision=node.precision.value,
        tiling=node.tiling.value,
        # The sliders' binary fractions (0.30000000000000004) must not reach reports.
        threshold=round(node.threshold, 2),
        smallest_lesion_ml=round(node.smallestLesionMl, 2),
        lesion_free_ml=round(node.lesionFreeMl, 1),
        batch_size=node.batchSize,
        allow_untrained=node.allowUntrained,
    )


class COVIDLesionSegLogic(logic.COVIDLesionSegLogic, ScriptedLoadableModuleLogic):
    """The console API as a module's logic in the Slicer application, with its parameter node."""

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)

    def getParameterNode(self) -> COVIDLesionSegParameterNode:
        """The panel's state in the scene, typed."""
        return COVIDLesionSegParameterNode(ScriptedLoadableModuleLogic.getParameterNode(self))
