"""How a result is displayed: as a value, put on the views, and read back from them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from ..engine.result import OVERLAY_FROM
from ..scene import model3d, overlay
from ..scene.overlay import DISAGREEMENT_FROM
from ..scene.segmentation import LUNGS_OPACITY
from . import views
from .choices import ColorMap, OverlayKind, ThreeD

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode

    from ..scene.show import SceneResult
    from .parameter_node import COVIDLesionSegParameterNode


@dataclass(frozen=True)
class DisplaySettings:
    """The parameter node's fields of these names, see there."""

    overlayVisible: bool = True
    overlayShown: OverlayKind = OverlayKind.PROBABILITY
    overlayOpacity: float = 0.5
    probabilityFrom: float = OVERLAY_FROM
    disagreementFrom: float = DISAGREEMENT_FROM
    colorMap: ColorMap = ColorMap.JET
    threeD: ThreeD = ThreeD.SURFACES
    lungsOpacity: float = LUNGS_OPACITY

    @classmethod
    def of(cls, node: COVIDLesionSegParameterNode) -> DisplaySettings:
        """What the parameter node holds."""
        return cls(**{field.name: getattr(node, field.name) for field in fields(cls)})

    def changes(self, other: DisplaySettings) -> set[str]:
        """Names of the fields in which the two differ."""
        names = (field.name for field in fields(self))
        return {name for name in names if getattr(self, name) != getattr(other, name)}


OVERLAY_FIELDS = frozenset({"overlayVisible", "overlayShown", "overlayOpacity"})


def read_display(ct: vtkMRMLScalarVolumeNode, result: SceneResult) -> dict[str, Any]:
    """The fields of :class:`DisplaySettings` as the views show this result.

    A field is absent where the views do not tell: no slice view shows the CT, the overlay is off,
    the user chose colours of another kind.
    """
    seen: dict[str, Any] = {
        "probabilityFrom": overlay.visible_from(result.probabilityNode),
        "threeD": _three_d(result),
    }
    if views.shows_ct(ct):
        seen |= _overlay(result)
    if result.disagreementNode is not None:
        seen["disagreementFrom"] = overlay.visible_from(result.disagreementNode)
    if color_map := overlay.color_map_of(result.probabilityNode):
        seen["colorMap"] = ColorMap(color_map)
    opacity = model3d.lungs_opacity(result.segmentationNode)
    if opacity is not None:
        seen["lungsOpacity"] = opacity
    return seen


def apply_display(
    ct: vtkMRMLScalarVolumeNode, result: SceneResult, settings: DisplaySettings, names: set[str]
) -> None:
    """Put the fields called ``names`` on the views of this CT and its result, and on no others."""
    probability, disagreement = result.probabilityNode, result.disagreementNode
    if names & OVERLAY_FIELDS:
        if not settings.overlayVisible:
            views.hide_overlays(result)
        else:
            wants_disagreement = settings.overlayShown is OverlayKind.DISAGREEMENT
            shown = (disagreement if wants_disagreement else None) or probability
            views.show_overlay(ct, shown, settings.overlayOpacity)
    if "probabilityFrom" in names:
        overlay.set_visible_from(probability, settings.probabilityFrom)
    if "disagreementFrom" in names and disagreement is not None:
        overlay.set_visible_from(disagreement, settings.disagreementFrom)
    if "colorMap" in names:
        overlay.set_color_map(probability, settings.colorMap.value)
    if names & {"probabilityFrom", "colorMap"}:
        model3d.update_volume_rendering(probability)
    if "lungsOpacity" in names:
        model3d.set_lungs_opacity(result.segmentationNode, settings.lungsOpacity)
    if "threeD" in names:
        surfaces, rendering = ThreeD.SURFACES, ThreeD.VOLUME_RENDERING
        model3d.set_surfaces_visible(result.segmentationNode, settings.threeD is surfaces)
        model3d.show_volume_rendering(probability, settings.threeD is rendering)


def _overlay(result: SceneResult) -> dict[str, Any]:
    kinds = {
        OverlayKind.PROBABILITY: result.probabilityNode,
        OverlayKind.DISAGREEMENT: result.disagreementNode,
    }
    for kind, node in kinds.items():
        opacity = None if node is None else views.overlay_opacity(node)
        if opacity is not None:
            return {"overlayVisible": True, "overlayShown": kind, "overlayOpacity": opacity}
    return {"overlayVisible": False}


def _three_d(result: SceneResult) -> ThreeD:
    if model3d.volume_rendering_visible(result.probabilityNode):
        return ThreeD.VOLUME_RENDERING
    visible = model3d.surfaces_visible(result.segmentationNode)
    return ThreeD.SURFACES if visible else ThreeD.NOTHING
