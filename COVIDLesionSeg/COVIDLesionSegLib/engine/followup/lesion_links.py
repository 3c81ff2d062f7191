"""Which lesions of two registered CTs lie in the same place, by distance and overlap."""

from __future__ import annotations

from math import ceil

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from ..boxes import bounding_box, grid_of, part_with, widened, widened_by_mm
from ..volume import Geometry, image_from
from .matching_rule import MatchingRule
from .registration import Registration
from .study import Study

Labels = npt.NDArray[np.int32]

_CELL_MM = 2.0
_MARGIN_MM = 20.0


def on_later_grid(
    numbers: Labels, count: int, earlier: Study, later: Study, registration: Registration
) -> Labels:
    """Lesions of the earlier CT where the registration puts them in the later one.

    They are looked for in the box around the later lungs and for :data:`_MARGIN_MM` about it.

    A lesion between the centres of thick slices has every voxel that it touches.

    Args:
        numbers: Of the lesions, 1 to ``count``, 0 elsewhere, (k, j, i) of the earlier CT.
        count: How many there are.
        earlier, later: The studies.
        registration: From the later to the earlier one.

    Returns:
        The same numbers, (k, j, i) of the later CT.
    """
    if registration.transform is None:
        return numbers
    box, _ = part_with(later.lungs, later.geometry)
    box = widened_by_mm(box, _MARGIN_MM, later.geometry)
    part = grid_of(box, later.geometry)
    image = image_from(numbers, earlier.geometry)
    found = sampled(image, part, registration.transform)
    lost = np.isin(np.arange(count + 1), found, invert=True)
    lost[0] = False
    factors = [ceil(mm / _CELL_MM) for mm in part.spacing]
    if lost.any() and max(factors) > 1:
        fine = sampled(image, _divided(part, factors), registration.transform)
        fine[~lost[fine]] = 0
        found = np.where(found > 0, found, _cells(fine, factors[::-1]))
    placed = np.zeros(later.geometry.shape, np.int32)
    placed[box] = found
    return placed


def linked_groups(
    old: Labels, new: Labels, counts: tuple[int, int], geometry: Geometry, rule: MatchingRule
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Numbers of the (earlier, later) lesions that belong together; either may be empty.

    All that is linked belongs together, through others, too, so that merged and split lesions stay
    in one group. Distances are measured between cells of about 2 mm, each part of a lesion that any
    of its voxels belongs to.

    Args:
        old, new: Numbers of the earlier and of the later lesions, 0 elsewhere, (k, j, i).
        counts: How many lesions there are in each.
        geometry: The grid of both.
        rule: When two lesions are linked.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    earlier, later = counts
    one, other = np.nonzero(_links(old, new, counts, geometry, rule))
    size = earlier + later
    graph = coo_array((np.ones(len(one)), (one, earlier + other)), shape=(size, size))
    _, group = connected_components(graph, directed=False)
    found: dict[int, tuple[list[int], list[int]]] = {}
    for node, number in enumerate(group.tolist()):
        members = found.setdefault(number, ([], []))
        if node < earlier:
            members[0].append(node + 1)
        else:
            members[1].append(node - earlier + 1)
    return [(tuple(before), tuple(after)) for before, after in found.values()]


def sampled(image: sitk.Image, grid: Geometry, by: sitk.Transform) -> Labels:
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


def _links(
    old: Labels, new: Labels, counts: tuple[int, int], geometry: Geometry, rule: MatchingRule
) -> npt.NDArray[np.bool_]:
    """Whether two lesions belong together: (earlier lesions, later lesions)."""
    links = np.zeros(counts, bool)
    both = (old > 0) | (new > 0)
    box = bounding_box(both)
    if box is None or 0 in counts:
        return links
    factors = [max(1, int(_CELL_MM // mm)) for mm in geometry.spacing[::-1]]
    spacing = [mm * factor for mm, factor in zip(geometry.spacing[::-1], factors, strict=True)]
    old, new = _cells(old[box], factors), _cells(new[box], factors)
    of_old = _cells_near(new, counts[1], old, counts[0], spacing, rule.tolerance_mm).T
    of_new = _cells_near(old, counts[0], new, counts[1], spacing, rule.tolerance_mm)
    sizes = [
        np.bincount(one.ravel(), minlength=count + 1)[1:].astype(float)
        for one, count in zip((old, new), counts, strict=True)
    ]
    # A lesion that the registration puts far from the later lungs has no cell and no partner.
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(
            sizes[0][:, None] <= sizes[1][None, :],
            of_old / sizes[0][:, None],
            of_new / sizes[1][None, :],
        )
    linked: npt.NDArray[np.bool_] = (share >= rule.least_overlap) & (of_old + of_new > 0)
    return linked


def _cells(numbers: Labels, factors: list[int]) -> Labels:
    """Blocks of voxels, each with the highest number in it: that of its smallest lesion."""
    for axis, factor in enumerate(factors):
        if factor > 1:
            starts = np.arange(0, numbers.shape[axis], factor)
            numbers = np.maximum.reduceat(numbers, starts, axis=axis)
    return numbers


def _cells_near(
    lesions: Labels,
    count: int,
    others: Labels,
    other_count: int,
    spacing: list[float],
    within_mm: float,
) -> npt.NDArray[np.int64]:
    """How many cells of each other lesion lie within so many mm: (lesions, other lesions)."""
    from scipy import ndimage

    cells = np.zeros((count, other_count), np.int64)
    margins = [ceil(within_mm / mm) for mm in spacing]
    for row, box in enumerate(ndimage.find_objects(lesions, count)):
        if box is None:
            continue
        around = widened(box, margins, lesions.shape)
        away = ndimage.distance_transform_edt(lesions[around] != row + 1, sampling=spacing)
        near = others[around][away <= within_mm]
        cells[row] = np.bincount(near, minlength=other_count + 1)[1:]
    return cells
