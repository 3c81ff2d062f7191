"""Which lesions of an earlier and a later CT are the same, and which are new or resolved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from ..labels import NEW, PERSISTENT, RESOLVED
from ..lungs.morphology import bounding_box
from ..severity.lesions import measure_lesions, number_lesions
from ..severity.report import LesionSeverity
from ..volume import Geometry, image_from
from .boxes import part_with
from .matching_rule import MatchingRule
from .registration import Registration
from .study import Study

KINDS = ("new", "resolved", "persistent", "not covered")
_CELL_MM = 2.0
_PATTERNS = {
    (False, False): "one to one",
    (True, False): "merged",
    (False, True): "split",
    (True, True): "regrouped",
}

Labels = npt.NDArray[np.int32]


@dataclass(frozen=True)
class LesionChange:
    """Lesions of two CTs that belong together, or one without a partner.

    Attributes:
        kind: ``"new"``, ``"resolved"`` or ``"persistent"``; ``"not covered"`` where the other CT
            does not reach the place, so that nobody can tell.
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
    that is linked in this way, through others, too, is one persistent group, so merged and split
    lesions stay together. Distances are measured between cells of about 2 mm, each part of a
    lesion that any of its voxels belongs to.

    Args:
        earlier, later: The studies.
        registration: From the later to the earlier one.
        rule: When two lesions are the same, and which count without a partner.
    """
    before, after = _lesions(earlier), _lesions(later)
    warped = _warped(before, earlier, later, registration)
    counts = len(before.facts), len(after.facts)
    groups = _groups(warped, after.numbers, later.geometry, rule, counts)
    changes = np.zeros(later.geometry.shape, np.uint8)
    found: list[LesionChange] = []
    left_out = [[0, 0.0], [0, 0.0]]
    seen = np.bincount(warped.ravel(), minlength=len(before.facts) + 1)

    def covered(old: tuple[int, ...], new: tuple[int, ...]) -> bool:
        """Whether the other CT holds the place of a lesion without a partner."""
        if old:
            return bool(seen[old[0]])
        centre = after.facts[new[0] - 1].centre_lps_mm
        return _inside(registration.to_earlier.TransformPoint(centre), earlier.geometry)

    kinds_before = np.zeros(len(before.facts) + 1, np.uint8)
    kinds_after = np.zeros(len(after.facts) + 1, np.uint8)
    for old, new in groups:
        if not old or not new:
            (one,) = [before.facts[n - 1] for n in old] or [after.facts[n - 1] for n in new]
            if one.lesion_ml < rule.smallest_ml:
                side = left_out[0 if old else 1]
                side[0], side[1] = side[0] + 1, side[1] + one.lesion_ml
                continue
        change = _change(old, new, before.facts, after.facts)
        if not (old and new) and not covered(old, new):
            change = replace(change, kind="not covered")
        else:
            kinds_before[list(old)] = PERSISTENT if new else RESOLVED
            kinds_after[list(new)] = PERSISTENT if old else NEW
        found.append(change)
    changes[kinds_before[warped] == RESOLVED] = RESOLVED
    changes[after.numbers > 0] = 0
    labelled = kinds_after[after.numbers]
    changes[labelled > 0] = labelled[labelled > 0]
    found.sort(
        key=lambda one: (KINDS.index(one.kind), -max(one.earlier_ml or 0, one.later_ml or 0))
    )
    (old_n, old_ml), (new_n, new_ml) = left_out
    return Matching(
        tuple(found), changes, ((int(old_n), float(old_ml)), (int(new_n), float(new_ml)))
    )


def _lesions(study: Study) -> _Lesions:
    of_study = study.lungs, study.lesions, study.geometry
    return _Lesions(number_lesions(*of_study).astype(np.int32), measure_lesions(*of_study).lesions)


def _warped(lesions: _Lesions, study: Study, later: Study, by: Registration) -> Labels:
    """Numbers of the earlier lesions on the grid of the later CT.

    A lesion between the centres of thick slices has every voxel that it touches.
    """
    if by.transform is None:
        return lesions.numbers
    box, part = part_with(later.lungs, later.geometry)
    image = image_from(lesions.numbers, study.geometry)
    numbers = _sampled(image, part, by.transform)
    lost = np.isin(np.arange(len(lesions.facts) + 1), numbers, invert=True)
    lost[0] = False
    factors = [ceil(mm / _CELL_MM) for mm in part.spacing]
    if lost.any() and max(factors) > 1:
        fine = _sampled(image, _divided(part, factors), by.transform)
        fine[~lost[fine]] = 0
        touched = _cells(fine, factors[::-1])
        numbers = np.where(numbers > 0, numbers, touched)
    warped = np.zeros(later.geometry.shape, np.int32)
    warped[box] = numbers
    return warped


def _sampled(image: sitk.Image, grid: Geometry, by: sitk.Transform) -> Labels:
    """Labels at the centres of a grid's voxels, (k, j, i)."""
    there = sitk.Resample(
        image,
        grid.size,
        by,
        sitk.sitkNearestNeighbor,
        grid.origin,
        grid.spacing,
        grid.direction,
        0,
        sitk.sitkInt32,
    )
    labels: Labels = sitk.GetArrayFromImage(there)
    return labels


def _divided(grid: Geometry, factors: list[int]) -> Geometry:
    """The grid with every voxel in so many parts along (i, j, k)."""
    first = grid.ijk_to_lps @ [*((1 / factor - 1) / 2 for factor in factors), 1.0]
    (columns, rows, slices), (x, y, z) = grid.size, grid.spacing
    i, j, k = factors
    return Geometry(
        (columns * i, rows * j, slices * k),
        (x / i, y / j, z / k),
        (float(first[0]), float(first[1]), float(first[2])),
        grid.direction,
    )


def _inside(lps: Sequence[float], geometry: Geometry) -> bool:
    """Whether a point, LPS in mm, lies in the volume."""
    index = np.linalg.solve(geometry.ijk_to_lps, [*lps, 1.0])[:3]
    return bool(((index >= -0.5) & (index <= np.array(geometry.size) - 0.5)).all())


def _groups(
    warped: Labels,
    found: Labels,
    geometry: Geometry,
    rule: MatchingRule,
    counts: tuple[int, int],
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Numbers of the (earlier, later) lesions that belong together; either may be empty.

    Args:
        warped, found: Numbers of the earlier and of the later lesions, (k, j, i).
        geometry: Their grid.
        counts: How many lesions there are in each.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    earlier, later = counts
    links = _links(warped, found, geometry, rule, counts)
    one, other = np.nonzero(links)
    size = earlier + later
    graph = coo_array((np.ones(len(one)), (one, earlier + other)), shape=(size, size))
    _, group = connected_components(graph, directed=False)
    found_groups: dict[int, tuple[list[int], list[int]]] = {}
    for node, number in enumerate(group.tolist()):
        members = found_groups.setdefault(number, ([], []))
        members[0 if node < earlier else 1].append(
            node + 1 if node < earlier else node - earlier + 1
        )
    return [(tuple(old), tuple(new)) for old, new in found_groups.values()]


def _links(
    warped: Labels,
    found: Labels,
    geometry: Geometry,
    rule: MatchingRule,
    counts: tuple[int, int],
) -> npt.NDArray[np.bool_]:
    """Whether two lesions belong together: (earlier lesions, later lesions)."""
    links = np.zeros(counts, bool)
    both = (warped > 0) | (found > 0)
    if not both.any() or 0 in counts:
        return links
    box = bounding_box(both, [0, 0, 0])
    factors = [max(1, int(_CELL_MM // mm)) for mm in geometry.spacing[::-1]]
    spacing = [mm * factor for mm, factor in zip(geometry.spacing[::-1], factors, strict=True)]
    old, new = (_cells(one[box], factors) for one in (warped, found))
    met = np.zeros((2, *counts), np.int64)
    for side, (own, others) in enumerate(((old, new), (new, old))):
        nearest = _nearest(others, spacing, rule.tolerance_mm)
        met_here = (own > 0) & (nearest > 0)
        pair = (own[met_here], nearest[met_here])
        pair = pair if side == 0 else pair[::-1]
        np.add.at(met[side], (pair[0] - 1, pair[1] - 1), 1)
    sizes = [
        np.bincount(one.ravel(), minlength=count + 1)[1:].astype(float)
        for one, count in zip((old, new), counts, strict=True)
    ]
    # A lesion that the registration puts outside the later lungs has no cell and no partner.
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(
            sizes[0][:, None] <= sizes[1][None, :],
            met[0] / sizes[0][:, None],
            met[1] / sizes[1][None, :],
        )
    linked: npt.NDArray[np.bool_] = (share >= rule.least_overlap) & (met.sum(axis=0) > 0)
    return linked


def _cells(numbers: Labels, factors: list[int]) -> Labels:
    """Blocks of voxels, each with the highest number in it: none of a lesion is lost."""
    for axis, factor in enumerate(factors):
        if factor > 1:
            starts = np.arange(0, numbers.shape[axis], factor)
            numbers = np.maximum.reduceat(numbers, starts, axis=axis)
    return numbers


def _nearest(numbers: Labels, spacing: list[float], within_mm: float) -> Labels:
    """Number of the nearest lesion of every cell, 0 where none is within so many mm."""
    from scipy import ndimage

    distance, index = ndimage.distance_transform_edt(
        numbers == 0, sampling=spacing, return_indices=True
    )
    nearest: Labels = numbers[tuple(index)]
    nearest[distance > within_mm] = 0
    return nearest


def _change(
    old: tuple[int, ...],
    new: tuple[int, ...],
    before: tuple[LesionSeverity, ...],
    after: tuple[LesionSeverity, ...],
) -> LesionChange:
    earlier, later = [before[n - 1] for n in old], [after[n - 1] for n in new]
    shown = later or earlier
    largest = max(shown, key=lambda one: one.lesion_ml)
    pattern = None
    if old and new:
        pattern = _PATTERNS[len(old) > 1, len(new) > 1]
    return LesionChange(
        kind="persistent" if old and new else "new" if new else "resolved",
        pattern=pattern,
        earlier=old,
        later=new,
        earlier_ml=sum(one.lesion_ml for one in earlier) if earlier else None,
        later_ml=sum(one.lesion_ml for one in later) if later else None,
        region=largest.region,
        slices=(min(one.slices[0] for one in later), max(one.slices[1] for one in later))
        if later
        else None,
        centre_lps_mm=largest.centre_lps_mm,
    )
