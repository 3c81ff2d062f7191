"""What the results are called in a scene: roles, segment ids, colours and coded terms."""

from __future__ import annotations

from dataclasses import dataclass

from ..engine.remarks import UNTRAINED_MARK
from ..engine.segment_names import segment_id

SEGMENTATION_ROLE = "segmentation"
PROBABILITY_ROLE = "probability"
SEVERITY_ROLE = "severity"
RULES_ROLE = "rules"
SLICES_ROLE = "slices"
DISAGREEMENT_ROLE = "disagreement"

NODE_CLASSES = {
    SEGMENTATION_ROLE: "vtkMRMLSegmentationNode",
    PROBABILITY_ROLE: "vtkMRMLScalarVolumeNode",
    SEVERITY_ROLE: "vtkMRMLTableNode",
    RULES_ROLE: "vtkMRMLTableNode",
    SLICES_ROLE: "vtkMRMLTableNode",
    DISAGREEMENT_ROLE: "vtkMRMLScalarVolumeNode",
}
"""MRML class of the node that plays each role."""

OPTIONAL_ROLES = frozenset({DISAGREEMENT_ROLE})
"""Roles that some results lack: members of an ensemble disagree, a single model does not."""

NODE_TITLES = {
    SEGMENTATION_ROLE: "COVID-19 segmentation",
    PROBABILITY_ROLE: "COVID-19 lesion probability",
    SEVERITY_ROLE: "COVID-19 severity",
    RULES_ROLE: "COVID-19 severity rules",
    SLICES_ROLE: "COVID-19 severity by slice",
    DISAGREEMENT_ROLE: "COVID-19 ensemble disagreement",
}
"""What is appended to the CT's name when a node is first created."""

ROLE_ATTRIBUTE = "COVIDLesionSeg.role"
PROVENANCE_ATTRIBUTE = "COVIDLesionSeg.provenance"
FLAGS_ATTRIBUTE = "COVIDLesionSeg.flags"
SEVERITY_ATTRIBUTE = "COVIDLesionSeg.severity"
CT_REFERENCE = "COVIDLesionSeg.ct"
SELF_REFERENCE = "COVIDLesionSeg.self"
FINGERPRINTS_ATTRIBUTE = "COVIDLesionSeg.fingerprints"

_MARK = f" - {UNTRAINED_MARK}"


def marked(name: str, untrained: bool) -> str:
    """``name`` with a mark at its end if ``untrained``, else without."""
    plain = name.removesuffix(_MARK)
    return plain + _MARK if untrained else plain


def is_marked(name: str) -> bool:
    """Whether ``name`` bears the mark of an untrained network's result."""
    return name.endswith(_MARK)


Code = tuple[str, str, str]
"""Coding scheme designator, code value, code meaning."""

_NO_CODE: Code = ("", "", "")
_ANATOMY_CONTEXT = "Segmentation category and type - 3D Slicer General Anatomy list"
# No terminology that ships with Slicer lists these lesions, and Slicer reads a term back only if
# its context has a name.
_LESION_CONTEXT = "COVIDLesionSeg"
_REGION_CONTEXT = "Anatomic codes - DICOM master list"
_ANATOMICAL_STRUCTURE: Code = ("SCT", "123037004", "Anatomical Structure")
_ALTERED_STRUCTURE: Code = ("SCT", "49755003", "Morphologically Altered Structure")
_LUNG: Code = ("SCT", "39607008", "Lung")
_RIGHT: Code = ("SCT", "24028007", "Right")
_LEFT: Code = ("SCT", "7771000", "Left")
# DICOM CID 7159 (lesion segmentation types) and CID 6102; consolidation is in neither.
_LESION: Code = ("SCT", "52988006", "Lesion")
_GROUND_GLASS_OPACITY: Code = ("DCM", "112120", "Ground glass opacity")
_CONSOLIDATION: Code = ("SCT", "9656002", "Consolidation")


def terminology_entry(
    context: str, category: Code, kind: Code, modifier: Code = _NO_CODE, region: Code = _NO_CODE
) -> str:
    """A term as Slicer serialises it in a segment's ``TerminologyEntry`` tag.

    Source: ``vtkSlicerTerminologiesModuleLogic::SerializeTerminologyEntry``.
    """
    codes = ("^".join(code) for code in (category, kind, modifier, region, _NO_CODE))
    category_text, kind_text, modifier_text, region_text, no_region_modifier = codes
    return "~".join(
        (
            context,
            category_text,
            kind_text,
            modifier_text,
            _REGION_CONTEXT,
            region_text,
            no_region_modifier,
        )
    )


@dataclass(frozen=True)
class SegmentStyle:
    """How one segment appears when it is first created.

    Attributes:
        id: Stable segment id, for programs.
        name: Segment name, for people.
        color: RGB, 0 to 1.
        opacity: Of the closed surface in 3D, 0 to 1.
        fill: Opacity inside the outline in slice views, 0 to 1.
        terminology: Coded term as Slicer serialises it.
    """

    id: str
    name: str
    color: tuple[float, float, float]
    opacity: float
    fill: float
    terminology: str


# Lungs are outlined only: their fill would hide the CT.
_LUNG_OPACITY, _LUNG_FILL = 0.25, 0.0
_LESION_OPACITY, _LESION_FILL = 1.0, 0.2

RIGHT_LUNG_STYLE = SegmentStyle(
    "right-lung",
    "right lung",
    (0.56, 0.74, 0.86),
    _LUNG_OPACITY,
    _LUNG_FILL,
    terminology_entry(_ANATOMY_CONTEXT, _ANATOMICAL_STRUCTURE, _LUNG, _RIGHT),
)
LEFT_LUNG_STYLE = SegmentStyle(
    "left-lung",
    "left lung",
    (0.66, 0.86, 0.72),
    _LUNG_OPACITY,
    _LUNG_FILL,
    terminology_entry(_ANATOMY_CONTEXT, _ANATOMICAL_STRUCTURE, _LUNG, _LEFT),
)

# A lesion class that has no term of its own is a lesion of the lung.
_CLASS_APPEARANCE = {
    "lesion": ((0.86, 0.10, 0.10), _LESION),
    "ground-glass opacity": ((1.0, 0.50, 0.15), _GROUND_GLASS_OPACITY),
    "consolidation": ((0.90, 0.08, 0.30), _CONSOLIDATION),
}


def class_style(class_name: str) -> SegmentStyle:
    """Style of a lesion class, e.g. ``"lesion"`` or ``"ground-glass opacity"``."""
    color, kind = _CLASS_APPEARANCE.get(class_name, _CLASS_APPEARANCE["lesion"])
    return SegmentStyle(
        id=segment_id(class_name),
        name=class_name,
        color=color,
        opacity=_LESION_OPACITY,
        fill=_LESION_FILL,
        terminology=terminology_entry(_LESION_CONTEXT, _ALTERED_STRUCTURE, kind, region=_LUNG),
    )
