"""All CTs of a scene, and what is known of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..engine.flags import is_untrained
from ..engine.review import Verdict
from .nodes import nodes_by_class
from .review import read_review
from .show import find_result
from .volumes import may_be_ct

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLScene, vtkMRMLSegmentationNode


@dataclass(frozen=True)
class CohortCase:
    """One CT of the scene.

    Attributes:
        ct: Its node; nothing else says whose it is.
        segmentation: That of its result; None where it has none.
        category: By the rule that was asked for; None without a result, or where it is undefined.
        ratio: What that rule grades, 0 to 1, or None.
        warnings: Number of quality flags that are warnings; None without a result.
        verdict: What a person said of the result, or None.
    """

    ct: vtkMRMLScalarVolumeNode
    segmentation: vtkMRMLSegmentationNode | None = None
    category: str | None = None
    ratio: float | None = None
    warnings: int | None = None
    verdict: Verdict | None = None


def cohort(scene: vtkMRMLScene, rule: str) -> list[CohortCase]:
    """Every volume that may be a CT, in the scene's order.

    Args:
        scene: The scene.
        rule: Id of the severity rule.
    """
    volumes = nodes_by_class(scene, "vtkMRMLScalarVolumeNode")
    return [_case(volume, rule) for volume in volumes if may_be_ct(volume)]


def _case(ct: vtkMRMLScalarVolumeNode, rule: str) -> CohortCase:
    result = find_result(ct)
    if result is None:
        return CohortCase(ct)
    graded = not is_untrained(result.flags) and bool(result.severity.rules)
    severity = result.severity.by_rule(rule) if graded else None
    return CohortCase(
        ct=ct,
        segmentation=result.segmentationNode,
        category=severity.category if severity else None,
        ratio=severity.ratio if severity else None,
        warnings=sum(flag.level == "warning" for flag in result.flags),
        verdict=read_review(result.segmentationNode).verdict,
    )
