"""What a person said of a case, kept with its segmentation and saved with the scene."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ..engine.review import Verdict
from . import names

if TYPE_CHECKING:
    from slicer import vtkMRMLSegmentationNode


class EarlierVerdict(NamedTuple):
    """What was said of an earlier result of the same CT.

    Attributes:
        verdict: The verdict.
        given: When, in UTC as ISO 8601; "" if that is not known.
    """

    verdict: Verdict
    given: str = ""


@dataclass(frozen=True)
class SceneReview:
    """The review of one CT's result.

    Attributes:
        verdict: None before one was given, or after it was withdrawn.
        note: For people; of the CT, so it outlives the result.
        seen: Slices that were looked at, by the index that severity and quality flags use.
        saved: When the folder of reviewed cases got this state, as it says itself; "" if never.
        case: Id of the case there, or "".
        given: When the verdict was given, in UTC as ISO 8601; "" if that is not known.
        earlier: Verdicts on earlier results of the CT, the oldest first.
    """

    verdict: Verdict | None = None
    note: str = ""
    seen: frozenset[int] = frozenset()
    saved: str = ""
    case: str = ""
    given: str = ""
    earlier: tuple[EarlierVerdict, ...] = ()

    def of_another_result(self) -> SceneReview:
        """What is left of it once another run has given another result."""
        earlier = self.earlier
        if self.verdict is not None:
            earlier += (EarlierVerdict(self.verdict, self.given),)
        return SceneReview(note=self.note, case=self.case, earlier=earlier)


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
            case=str(values.get("case", "")),
            given=str(values.get("given", "")),
            earlier=tuple(
                EarlierVerdict(Verdict(one["verdict"]), str(one.get("given", "")))
                for one in values.get("earlier", ())
            ),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
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
        "case": review.case,
        "given": review.given,
        "earlier": [
            {"verdict": earlier.verdict.value, "given": earlier.given} for earlier in review.earlier
        ],
    }
    node.SetAttribute(names.REVIEW_ATTRIBUTE, json.dumps(values))
