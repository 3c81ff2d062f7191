"""Lungs and their lobes: the codes by which a segment is known to be one."""

from __future__ import annotations

from .errors import ParameterError
from .labels import LEFT_LUNG, RIGHT_LUNG, Code

LOBES = (
    "right upper lobe",
    "right middle lobe",
    "right lower lobe",
    "left upper lobe",
    "left lower lobe",
)

LOBE_LABELS = {
    # lungmask's LTRCLobes and LTRCLobes_R231, as its README states them
    "lungmask": {3: LOBES[0], 4: LOBES[1], 5: LOBES[2], 1: LOBES[3], 2: LOBES[4]},
    # task "total" of TotalSegmentator, whose second version numbers anew
    "totalsegmentator": {12: LOBES[0], 13: LOBES[1], 14: LOBES[2], 10: LOBES[3], 11: LOBES[4]},
    "totalsegmentator-1": {15: LOBES[0], 16: LOBES[1], 17: LOBES[2], 13: LOBES[3], 14: LOBES[4]},
}
"""Lobe by label in the label maps of other software; nothing in such a file says it."""

LOBE_CODES: dict[str, Code] = {
    LOBES[0]: ("SCT", "42400003", "Upper lobe of right lung"),
    LOBES[1]: ("SCT", "72481006", "Middle lobe of right lung"),
    LOBES[2]: ("SCT", "266005", "Lower lobe of right lung"),
    LOBES[3]: ("SCT", "44714003", "Upper lobe of left lung"),
    LOBES[4]: ("SCT", "41224006", "Lower lobe of left lung"),
}
"""Coded terms whose meaning needs no modifier, also in DICOM CID 6112."""

_RIGHT, _LEFT = "24028007", "7771000"
_UPPER, _LOWER = "45653009", "90572001"  # lobe of lung, the side apart
_WHOLE = frozenset({"39607008", "31094006"})  # lung, lobe of lung: the region says which

_LOBE_OF = {
    **{(value, ""): lobe for lobe, (_, value, _) in LOBE_CODES.items()},
    # as in Slicer's and DICOM's lists, with the side as a modifier
    (_UPPER, _RIGHT): LOBES[0],
    ("72481006", _RIGHT): LOBES[1],
    (_LOWER, _RIGHT): LOBES[2],
    (_UPPER, _LEFT): LOBES[3],
    (_LOWER, _LEFT): LOBES[4],
}

_LUNG_OF = {
    ("3341006", ""): RIGHT_LUNG,
    ("44029006", ""): LEFT_LUNG,
    ("39607008", _RIGHT): RIGHT_LUNG,
    ("39607008", _LEFT): LEFT_LUNG,
}


def meaning_of_labels(text: str) -> dict[int, str]:
    """Lobe by label.

    Args:
        text: A key of ``LOBE_LABELS``, or the labels of :data:`LOBES` in their order,
            joined by commas.

    Raises:
        ParameterError: It is neither.
    """
    if text in LOBE_LABELS:
        return LOBE_LABELS[text]
    parts = [part.strip() for part in text.split(",")]
    labels = [int(part) for part in parts if part.isascii() and part.isdigit()]
    if len(parts) != len(LOBES) or len(set(labels)) != len(LOBES) or 0 in labels:
        raise ParameterError(
            f"lobe_labels is {text!r}, but must be {', '.join(LOBE_LABELS)}, or five different "
            f"labels from 1 up, of {', '.join(LOBES)}."
        )
    return dict(zip(labels, LOBES, strict=True))


def lung_of(terminology: str) -> int | None:
    """Label of the lung that a segment is, or is a lobe of; None where its codes name neither.

    Args:
        terminology: See :func:`lobe_of`.
    """
    lobe = lobe_of(terminology)
    if lobe is not None:
        return RIGHT_LUNG if lobe.startswith("right") else LEFT_LUNG
    parts = terminology.split("~")
    if len(parts) < 4:
        return None
    return _LUNG_OF.get((_snomed(parts[2]), _snomed(parts[3])))


def lobe_of(terminology: str) -> str | None:
    """Which of :data:`LOBES` a segment is; None where its codes name none.

    A lesion that lies in a lobe is no lobe.

    Args:
        terminology: A segment's ``TerminologyEntry`` tag, as Slicer writes it: context, category,
            type, modifier, region context, region and its modifier, each a code, joined by ``~``.
    """
    parts = terminology.split("~")
    if len(parts) < 4:
        return None
    kind, modifier = _snomed(parts[2]), _snomed(parts[3])
    if kind in _WHOLE and len(parts) >= 7:
        return _LOBE_OF.get((_snomed(parts[5]), _snomed(parts[6]) or modifier))
    return _LOBE_OF.get((kind, modifier))


def _snomed(code: str) -> str:
    """Value of a SNOMED CT code ``scheme^value^meaning``, else ""."""
    scheme, _, rest = code.partition("^")
    return rest.partition("^")[0] if scheme == "SCT" else ""
