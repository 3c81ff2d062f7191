"""One case under review, and what scene, folder and people are to know of reviews."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import slicer
from slicer.i18n import tr as _

from ...engine.errors import InputError
from ...engine.review import read_case, reviews_folder
from ...scene.review import read_review
from ...scene.show import SceneResult, find_result
from ...scene.volumes import may_be_ct

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode


@dataclass
class ReviewSession:
    """One case on show, or under review.

    Attributes:
        run: See :func:`~COVIDLesionSegLib.scene.prediction.run_of`.
        case: Its id, once the process has its CT.
        labels, others: Whether lungs and lesions, or anything else, changed since the last order.
        since: When the first of these changes was made, in seconds.
        order: Number of the last order, 0 before.
        saved: When the folder got the state of the last order.
        error: Why it could not be saved, or "".
    """

    ct: vtkMRMLScalarVolumeNode
    node: vtkMRMLSegmentationNode
    run: str
    case: str = ""
    labels: bool = False
    others: bool = False
    since: float = 0.0
    order: int = 0
    saved: datetime | None = None
    error: str = ""

    @property
    def changed(self) -> bool:
        """Whether there is anything that no order was given for."""
        return self.labels or self.others

    @property
    def under_review(self) -> bool:
        """Whether the user did anything with the case: to look at it is not enough."""
        return self.changed or self.order > 0

    @property
    def needs_process(self) -> bool:
        """Whether its CT is still to be handed over."""
        return not self.case and not self.error

    def change(self, labels: bool) -> None:
        """The user did something with the case: edits where ``labels``, else what is said of it."""
        if not self.changed:
            self.since = time.monotonic()
        # The first order is complete: the user may have edited before agreeing.
        self.labels = self.labels or labels or not self.order
        self.others = True
        self.error = ""

    def give_order(self, number: int) -> None:
        """All that changed is on its way to the folder."""
        self.order, self.saved = number, None
        self.labels = self.others = False

    def take_order_back(self, error: str) -> None:
        """The last order failed: all is to be saved again with the next change."""
        self.error = self.error or error
        self.labels = self.others = True
        self.since = time.monotonic()


def reviewed_in_scene() -> Iterator[tuple[vtkMRMLScalarVolumeNode, SceneResult]]:
    """CTs of the scene whose result a person edited, or said something of."""
    for ct in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
        result = find_result(ct) if may_be_ct(ct) else None
        if result is not None and is_reviewed(result):
            yield ct, result


def is_reviewed(result: SceneResult) -> bool:
    """Whether a person edited a result, or said something of it; to look at it is not enough."""
    if result.predictionNode is None:
        return False
    review = read_review(result.segmentationNode)
    return bool(result.correction or review.verdict or review.note)


def say_lost(reasons: list[str]) -> None:
    """Tell why reviews that are not on the panel any more were not saved."""
    if reasons:
        slicer.util.errorDisplay(
            _("The last changes of a review were not saved: {reason}").format(
                reason=" ".join(dict.fromkeys(reasons))
            )
        )


def folder_text() -> str:
    """The folder of reviewed cases, for people."""
    folder, home = reviews_folder(), Path.home()
    return f"~/{folder.relative_to(home).as_posix()}" if home in folder.parents else str(folder)


def last_saved(folder: Path) -> str:
    try:
        return read_case(folder).changed.isoformat()
    except InputError:
        return ""
