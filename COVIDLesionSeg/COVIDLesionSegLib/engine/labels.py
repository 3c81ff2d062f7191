"""Lungs and lesion classes: names, label numbers, colours, coded terms, and the window of a CT.

The only place: segmentations, files, reports and figures take them from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

RIGHT_LUNG, LEFT_LUNG = 1, 2
"""Labels in arrays of the lungs."""
PAINTED_OVER = 3
"""Label, in arrays of given lungs, of lesions that were painted over them and cut out of them."""
BOTH_LUNGS = "both lungs"
LESION = "lesion"
"""A lesion of any class."""
CLASSES = ("ground-glass opacity", "consolidation")
"""Classes of masks where nothing else is asked for: class n has the label n + 1."""
CONSOLIDATION_FROM_HU = -300.0
"""Separates ground glass from consolidation best (BMC Infect Dis 2021;21:836)."""
PSEUDO_LABEL_MARK = "pseudo-label, not an expert's"
"""Ends the name of a segment that nobody checked; who corrects it renames it."""
CLASS_TAG = "COVIDLesionSeg.class"
"""Tag of a segment of this software; holds the name of the lung or lesion class."""

LUNG_WINDOW = (1500.0, -600.0)
"""Width and level, in HU, in which CTs are shown."""
LUNG_WINDOW_HU = (LUNG_WINDOW[1] - LUNG_WINDOW[0] / 2, LUNG_WINDOW[1] + LUNG_WINDOW[0] / 2)
"""Lower and upper end of :data:`LUNG_WINDOW`, in HU."""

Color = tuple[float, float, float]
"""RGB, 0 to 1."""
Code = tuple[str, str, str]
"""Coding scheme designator, code value, code meaning."""

PRIVATE_CODES = "99COVIDLESIONSEG"
"""Coding scheme of what no public one has a code for."""
LESION_VOLUME: Code = (PRIVATE_CODES, "lesion-volume", "Volume of the lesions in the lung")
LESION_SHARE: Code = (PRIVATE_CODES, "lesion-share", "Share of the lung that is lesion")
LOBE_LESION_VOLUME: Code = (PRIVATE_CODES, "lobe-lesions", "Volume of the lesions in the lobe")
LOBE_LESION_SHARE: Code = (PRIVATE_CODES, "lobe-share", "Share of the lobe that is lesion")
LOBE_SCORE: Code = (PRIVATE_CODES, "lobe-score", "Score of the lobe, 0 to 5")

_NO_CODE: Code = ("", "", "")
_ANATOMY_CONTEXT = "Segmentation category and type - 3D Slicer General Anatomy list"
# No terminology that ships with Slicer lists these lesions, and Slicer reads a term back only if
# its context has a name.
_LESION_CONTEXT = "COVIDLesionSeg"
_REGION_CONTEXT = "Anatomic codes - DICOM master list"
_ANATOMICAL_STRUCTURE: Code = ("SCT", "123037004", "Anatomical Structure")
_ALTERED_STRUCTURE: Code = ("SCT", "49755003", "Morphologically Altered Structure")
LUNG: Code = ("SCT", "39607008", "Lung")
BILATERAL: Code = ("SCT", "51440002", "Bilateral")
_RIGHT: Code = ("SCT", "24028007", "Right")
_LEFT: Code = ("SCT", "7771000", "Left")
# DICOM CID 7159 (lesion segmentation types) and CID 6102; consolidation is in neither.
_LESION: Code = ("SCT", "52988006", "Lesion")
_GROUND_GLASS_OPACITY: Code = ("DCM", "112120", "Ground glass opacity")
_CONSOLIDATION: Code = ("SCT", "9656002", "Consolidation")


@dataclass(frozen=True)
class SegmentStyle:
    """How a lung or a lesion class is named, coloured and coded.

    Attributes:
        name: For people.
        color: Color of the segment.
        category: Coded category, and ``kind`` the coded term itself.
        modifier: Side of a lung; None for a lesion.
        region: Where a lesion lies; None for a lung.
    """

    name: str
    color: Color
    category: Code
    kind: Code
    modifier: Code | None = None
    region: Code | None = None

    @property
    def id(self) -> str:
        """Stable segment id, for programs."""
        return segment_id(self.name)

    @property
    def terminology(self) -> str:
        """The coded term, as Slicer serialises it in a segment's ``TerminologyEntry`` tag.

        Source: ``vtkSlicerTerminologiesModuleLogic::SerializeTerminologyEntry``.
        """
        context = _ANATOMY_CONTEXT if self.category == _ANATOMICAL_STRUCTURE else _LESION_CONTEXT
        codes = (self.category, self.kind, self.modifier, self.region, None)
        parts = ["^".join(code or _NO_CODE) for code in codes]
        return "~".join((context, *parts[:3], _REGION_CONTEXT, *parts[3:]))


def segment_id(name: str) -> str:
    """The stable id of the segment called ``name``; a copy of it in Slicer has another."""
    return name.strip().lower().replace(" ", "-")


def class_style(class_name: str) -> SegmentStyle:
    """Style of a lesion class; one that is not known here looks like, and is coded as, a lesion."""
    color, kind = _CLASS_APPEARANCE.get(class_name, _CLASS_APPEARANCE[LESION])
    return SegmentStyle(class_name, color, _ALTERED_STRUCTURE, kind, region=LUNG)


def lesions_of_labels(
    labels: npt.NDArray[Any], classes: Sequence[str], file: str, whole: str
) -> npt.NDArray[np.bool_] | npt.NDArray[np.uint8]:
    """A mask by lesion class, for training and evaluation.

    Args:
        labels: Integers of any shape: 0 for no lesion, n + 1 for class n.
        classes: Lesion classes to tell apart; with a single one all lesions are taken together,
            and the mask may tell :data:`CLASSES` apart. Where the single one is among these, only
            its own lesions are taken.
        file: Name of the mask, for the message.
        whole: What marks a lesion of any class in such a file, for the message.

    Returns:
        The same shape: uint8, the labels; bool where there is a single class.

    Raises:
        InputError: A label belongs to no class.
    """
    import numpy as np

    known = CLASSES if len(classes) == 1 else classes
    allowed = range(len(known) + 1)
    if unknown := [label for label in np.unique(labels[labels != 0]) if label not in allowed]:
        meanings = ", ".join(f"{number} for {name}" for number, name in enumerate(known, start=1))
        raise InputError(
            f"The mask {file} holds the label {unknown[0]:g}, but its labels must be 0 for no "
            f"lesion, {meanings}, or {whole} for lesion of any kind."
        )
    if len(classes) > 1:
        return labels.astype(np.uint8)
    only = classes[0] in CLASSES
    lesion: npt.NDArray[np.bool_] = labels == CLASSES.index(classes[0]) + 1 if only else labels > 0
    return lesion


def _lung_style(name: str, color: Color, side: Code) -> SegmentStyle:
    return SegmentStyle(name, color, _ANATOMICAL_STRUCTURE, LUNG, modifier=side)


LUNG_STYLES = {
    RIGHT_LUNG: _lung_style("right lung", (0.56, 0.74, 0.86), _RIGHT),
    LEFT_LUNG: _lung_style("left lung", (0.66, 0.86, 0.72), _LEFT),
}
"""By label."""
LUNG_LABELS = {style.name: label for label, style in LUNG_STYLES.items()}
"""Label of each lung, by its name."""
VOLUME_IN_LUNG: dict[str, Code] = {
    style.name: (PRIVATE_CODES, f"volume-in-{style.id}", f"Volume in the {style.name}")
    for style in LUNG_STYLES.values()
}
"""Of a lesion class, by the lung's name."""
LUNG_OUTLINES = {RIGHT_LUNG: "#2e9fe6", LEFT_LUNG: "#2fbf71"}
LESION_OUTLINE = "#ff4d4d"
"""Colours of thin lines over a CT, for which those of the segments are too pale or too dark."""

_CLASS_APPEARANCE: dict[str, tuple[Color, Code]] = {
    LESION: ((0.86, 0.10, 0.10), _LESION),
    CLASSES[0]: ((1.0, 0.50, 0.15), _GROUND_GLASS_OPACITY),
    CLASSES[1]: ((0.90, 0.08, 0.30), _CONSOLIDATION),
}

NEW, PERSISTENT, RESOLVED = 1, 2, 3
"""Labels of the lesions of two CTs: what became of them."""


def _change_style(name: str, color: Color) -> SegmentStyle:
    return SegmentStyle(name, color, _ALTERED_STRUCTURE, _LESION, region=LUNG)


CHANGE_STYLES = {
    NEW: _change_style("new lesion", (0.86, 0.10, 0.10)),
    PERSISTENT: _change_style("persistent lesion", (1.0, 0.72, 0.10)),
    RESOLVED: _change_style("resolved lesion", (0.20, 0.65, 0.90)),
}
"""By label. No coded term says what became of a lesion: the name does."""


def is_lesion(class_name: str | None, terminology: str) -> bool:
    """Whether a segment holds lesions, by its tags; its name says nothing.

    Args:
        class_name: Value of :data:`CLASS_TAG`, or nothing.
        terminology: Value of the ``TerminologyEntry`` tag, or "".
    """
    if class_name:
        return class_name not in LUNG_LABELS
    fields = terminology.split("~")
    kind = tuple(fields[2].split("^")[:2]) if len(fields) > 2 else ()
    return kind in {code[:2] for _, code in _CLASS_APPEARANCE.values()}
