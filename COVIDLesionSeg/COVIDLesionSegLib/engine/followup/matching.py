"""Which lesions of an earlier and a later CT are the same, and which are new or resolved."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..labels import NEW, PERSISTENT, RESOLVED
from ..severity.lesions import measure_lesions, number_lesions
from ..severity.report import LesionSeverity
from .coverage import Coverage
from .lesion_links import Labels, linked_groups, on_later_grid
from .matching_rule import MatchingRule
from .registration import Registration
from .study import Study

KINDS = ("new", "resolved", "persistent", "not covered")
_PATTERNS = {
    (False, False): "one to one",
    (True, False): "merged",
    (False, True): "split",
    (True, True): "regrouped",
}


@dataclass(frozen=True)
class LesionChange:
    """Lesions of two CTs that belong together, or one without a partner.

    Attributes:
        kind: ``"new"``, ``"resolved"`` or ``"persistent"``; ``"not covered"`` where the other CT
            shows no lung at the place, so that nobody can tell, see :class:`~.coverage.Coverage`.
        pattern: Of persistent ones ``"one to one"``, ``"merged"`` (several became one), ``"split"``
            (one became several) or ``"regrouped"`` (several became several); else None.
        earlier, later: Numbers of the lesions in each CT, as in its own report: 1 is the largest.
        earlier_ml, later_ml: Their volume, each measured in its own CT; None where there is none.
        region: The lung that holds most of them, in the later CT where they are there.
        slices: First and last axial slice in the later CT, from the inferior end; None of resolved
            lesions.
        centre_lps_mm: Centroid of the largest of them, LPS, in mm, in the later CT; of a resolved
            lesion in the earlier CT.
    """

    kind: str
    pattern: str | None
    earlier: tuple[int, ...]
    later: tuple[int, ...]
    earlier_ml: float | None
    later_ml: float | None
    region: str
    slices: tuple[int, int] | None
    centre_lps_mm: tuple[float, float, float]

    @property
    def change_ml(self) -> float | None:
        """Later less earlier; None where one CT does not cover the lesion."""
        if self.kind == "not covered":
            return None
        return (self.later_ml or 0.0) - (self.earlier_ml or 0.0)

    @property
    def change_ratio(self) -> float | None:
        """Change as a share of the earlier volume, from -1 up; None of a new lesion, and where
        one CT does not cover the lesion.
        """
        if self.change_ml is None or not self.earlier_ml:
            return None
        return self.change_ml / self.earlier_ml


@dataclass(frozen=True, eq=False)
class Matching:
    """What became of every lesion.

    Attributes:
        lesions: In the order of :data:`KINDS`; within each the largest first.
        changes: uint8, shape (k, j, i) of the later CT, on its own grid: 1 new, 2 persistent,
            3 resolved; a resolved lesion is where the registration puts it. Lesions of the later
            CT keep their own voxels.
        left_out: Lesions without a partner that are smaller than the least volume, and their
            volume in ml, in the (earlier, later) CT.
    """

    lesions: tuple[LesionChange, ...]
    changes: npt.NDArray[np.uint8]
    left_out: tuple[tuple[int, float], tuple[int, float]]


@dataclass(frozen=True, eq=False)
class _Lesions:
    """Lesions of a study: an array of their numbers, as in its report, and what is known of each.

    Attributes:
        numbers: int32, (k, j, i), 0 elsewhere.
        facts: By number, from 1.
    """

    numbers: Labels
    facts: tuple[LesionSeverity, ...]


def match_lesions(
    earlier: Study, later: Study, registration: Registration, rule: MatchingRule
) -> Matching:
    """Match the lesions (areas connected in three dimensions) of two registered CTs.

    Lesions of the earlier CT are brought onto the grid of the later one (nearest neighbour). Two
    lesions belong together where at least ``rule.least_overlap`` of the smaller one lies within
    ``rule.tolerance_mm`` of the other: dilation and overlap after registration, as in
    Santoro-Fernandes et al. 2021 (Phys Med Biol 66:155017) and Huff et al. 2023 (68:175031). All
    that is linked in this way is one persistent group, see :func:`.lesion_links.linked_groups`.

    Args:
        earlier, later: The studies.
        registration: From the later to the earlier one.
        rule: When two lesions are the same, and which count without a partner.
    """
    before, after = _lesions(earlier), _lesions(later)
    counts = len(before.facts), len(after.facts)
    warped = on_later_grid(before.numbers, counts[0], earlier, later, registration)
    placed = warped, after.numbers
    coverage = Coverage(earlier, later, placed, registration, rule.tolerance_mm)
    found: list[LesionChange] = []
    left_out_ml: tuple[list[float], list[float]] = ([], [])
    labels_before = np.zeros(counts[0] + 1, np.uint8)
    labels_after = np.zeros(counts[1] + 1, np.uint8)
    for old, new in linked_groups(warped, after.numbers, counts, later.geometry, rule):
        change = _change(old, new, before.facts, after.facts)
        if not (old and new):
            (alone,) = [before.facts[n - 1] for n in old] or [after.facts[n - 1] for n in new]
            if alone.lesion_ml < rule.smallest_ml:
                left_out_ml[0 if old else 1].append(alone.lesion_ml)
                continue
            if not (coverage.of_earlier(*old) if old else coverage.of_later(*new)):
                found.append(replace(change, kind="not covered"))
                continue
        labels_before[list(old)] = PERSISTENT if new else RESOLVED
        labels_after[list(new)] = PERSISTENT if old else NEW
        found.append(change)
    found.sort(
        key=lambda one: (KINDS.index(one.kind), -max(one.earlier_ml or 0, one.later_ml or 0))
    )
    changes = np.zeros(later.geometry.shape, np.uint8)
    changes[labels_before[warped] == RESOLVED] = RESOLVED
    own = after.numbers > 0
    changes[own] = labels_after[after.numbers[own]]
    small_before, small_after = ((len(ml), float(sum(ml))) for ml in left_out_ml)
    return Matching(tuple(found), changes, (small_before, small_after))


def _lesions(study: Study) -> _Lesions:
    of_study = study.lungs, study.lesions, study.geometry
    return _Lesions(number_lesions(*of_study).astype(np.int32), measure_lesions(*of_study).lesions)


def _change(
    old: tuple[int, ...],
    new: tuple[int, ...],
    before: tuple[LesionSeverity, ...],
    after: tuple[LesionSeverity, ...],
) -> LesionChange:
    earlier, later = [before[n - 1] for n in old], [after[n - 1] for n in new]
    largest = max(later or earlier, key=lambda one: one.lesion_ml)
    return LesionChange(
        kind="persistent" if old and new else "new" if new else "resolved",
        pattern=_PATTERNS[len(old) > 1, len(new) > 1] if old and new else None,
        earlier=old,
        later=new,
        earlier_ml=sum(lesion.lesion_ml for lesion in earlier) if earlier else None,
        later_ml=sum(lesion.lesion_ml for lesion in later) if later else None,
        region=largest.region,
        slices=(
            min(lesion.slices[0] for lesion in later),
            max(lesion.slices[1] for lesion in later),
        )
        if later
        else None,
        centre_lps_mm=largest.centre_lps_mm,
    )
