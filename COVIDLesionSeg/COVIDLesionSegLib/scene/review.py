"""What a person said of a case, kept with its segmentation and saved with the scene."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..engine.review import Verdict
from . import names

if TYPE_CHECKING:
    from slicer import vtkMRMLSegmentationNode


@dataclass(frozen=True)
class SceneReview:
    """The review of one CT's result.

    Attributes:
        verdict: None before one was given, or after it was withdrawn.
        note: For people.
        seen: Slices that were looked at, by the index that severity and quality flags use.
        saved: When the folder of reviewed cases got this state, as it says itself; "" if never.
    """

    verdict: Verdict | None = None
    note: str = ""
    seen: frozenset[int] = frozenset()
    saved: str = ""


def read_review(node: vtkMRMLSegmentationNode) -> SceneReview:
    """The review of the result in ``node``; an empty one if there is none."""
    try:
        values = json.loads(node.GetAttribute(names.REVIEW_ATTRIBUTE) or "{}")
        verdict = values.get("verdict")
        return SceneReview(
            verdict=None if verdict is None else Verdict(verdict),
            note=str(values.get("note", "")),
            seen=frozenset(int(index) for index in values.get("seen", ())),
            saved=str(values.get("saved", "")),
        )
    except (ValueError, TypeError, AttributeError):
        return SceneReview()


def write_review(node: vtkMRMLSegmentationNode, review: SceneReview) -> None:
    """Keep ``review`` with the result in ``node``."""
    if review == SceneReview():
        node.RemoveAttribute(names.REVIEW_ATTRIBUTE)
        return
    values = {
        "verdict": None if review.verdict is None else review.verdict.value,
        "note": review.note,
        "seen": sorted(review.seen),
        "saved": review.saved,
    }
    node.SetAttribute(names.REVIEW_ATTRIBUTE, json.dumps(values))
