"""Consolidated lung: lesions at the chest wall that threshold and closing leave out.

Dense lung has the HU of heart, liver and muscle, so geometry decides, seen along rays from the
mediastinum in every axial slice. Heart and mediastinum have no lung on their medial side; the
chest wall lies outside the lung's convex hull; the dome of the liver has no lung below it.

A layer of it along the chest wall is found between lung and ribs. A dense lobe without any air
cannot be told from effusion this way and stays outside; what is missing is flagged.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError
from skimage import draw

from ..boxes import bounding_box
from .chest_wall import dense_rim
from .morphology import (
    closed,
    count_labels,
    deeper_than,
    fill_enclosed,
    free_surface,
    label,
    within,
)
from .rays import Rays
from .working_grid import WorkingGrid

_polygon2mask: Any = draw.polygon2mask  # it has no annotations

_IN_PLANE_CROSS = ndimage.generate_binary_structure(2, 1)[None]
_BONE = 180  # HU, mean over a coarse voxel
_ISLAND_HU = -200  # HU; below: some air, also in dense lung
_SMALLEST_ISLAND = 0.04  # ml
_ISLAND_REACH = 25.0  # mm from an island of aerated lung to the lung
_ISLAND_DEPTH = 12.0  # mm from the skin, whose partial volume looks like an island
_STREAKS_HU = 1600  # above any rib: metal, or contrast medium in a vein
_STREAKS_REACH = 40.0  # mm; dark streaks around it look like islands
_EDGE = 3.0  # mm around the lung, where partial volume looks like an island
_CLOSING = 9.0  # mm; fills vessels and lesions up to twice as thick
_SMOOTHING = 4.0  # mm; closing after lines have been filled
_GAP = 70.0  # mm; longest line through dense lung with lung at both ends
_MEDIAL = 8.0  # mm of lung, at least, medial to dense lung
_LARGE_POCKET = 3.0  # ml
_ABOVE_LUNG = 0.3  # of a large pocket lies above lung, at least, ...
_FREE = 0.6  # ... or no more of its surface borders on what is not lung
_DEEPEST = 45.0  # mm of dense tissue between aerated lung and chest wall


def add_dense_lung(
    sides: np.ndarray,
    coarse: np.ndarray,
    body: np.ndarray,
    airways: np.ndarray,
    grid: WorkingGrid,
) -> tuple[np.ndarray, np.ndarray]:
    """Each aerated lung with its vessels, lesions, islands and its dense rim.

    Args:
        sides: uint8 (z, y, x); aerated lung, 1 right, 2 left.
        coarse: HU.
        body: bool; the patient.
        airways: bool; trachea and main bronchi with their walls.
        grid: The coarse grid of all these.

    Returns:
        uint8 (z, y, x), 1 right, 2 left; and which part of it is the dense rim that only the ribs
        tell from the chest wall, bool.
    """
    rays = Rays(sides > 0, grid)
    islands = (coarse < _ISLAND_HU) & ~within((sides > 0) | airways, _EDGE, grid.spacing)
    islands &= deeper_than(body, _ISLAND_DEPTH, grid.spacing)
    islands &= ~within(coarse > _STREAKS_HU, _STREAKS_REACH, grid.spacing)
    labels, sizes = label(islands)
    outside = (coarse < _ISLAND_HU) & ~body
    result = np.zeros_like(sides)
    for side in (1, 2):
        lung = sides == side
        if not lung.any():
            continue
        # Lung behind a consolidation; gas in the bowel and the oesophagus has no lung medially.
        eligible = islands & (rays.at_voxels(rays.entry(lung)) < rays.radius)
        eligible &= within(lung, _ISLAND_REACH, grid.spacing)
        share = np.bincount(labels[eligible], minlength=len(sizes)) / np.maximum(sizes, 1)
        lung |= ((share > 0.5) & (sizes * grid.voxel_ml >= _SMALLEST_ISLAND))[labels]

        lung = fill_enclosed(closed(lung, _CLOSING, grid.spacing))
        lung |= _between(lung, grid) & (rays.at_voxels(rays.entry(lung)) + _MEDIAL < rays.radius)
        lung = fill_enclosed(closed(lung, _SMOOTHING, grid.spacing))
        lung |= _outer_pockets(lung, rays, grid.voxel_ml) & (coarse < _BONE)
        lung &= ~outside & ~airways & ~((sides > 0) & (sides != side)) & (result == 0)
        result[lung] = side
    right, left = (rays.exit(result == side) for side in (1, 2))
    if not (right.any() and left.any()):
        return result, np.zeros(result.shape, bool)  # the rays start within the only lung
    rim = dense_rim(result > 0, coarse, rays, grid) & ~outside & ~airways
    result[rim] = rays.at_voxels(np.where(right > left, 1, 2))[rim]
    return result, rim


def _between(lung: np.ndarray, grid: WorkingGrid) -> np.ndarray:
    """Voxels with lung above and below, and on both sides along x or y, none of it far away."""
    result = np.zeros_like(lung)
    box = bounding_box(lung)
    if box is None:
        return result
    enclosed = [_gap(lung[box], axis) * grid.spacing[axis] < _GAP for axis in range(3)]
    result[box] = enclosed[0] & (enclosed[1] | enclosed[2])
    return result


def _gap(lung: np.ndarray, axis: int) -> np.ndarray:
    """Distance in voxels between the lung before and the lung after each voxel; huge if none."""
    far = np.int32(1 << 20)
    lines = np.moveaxis(lung, axis, 0)
    index = np.arange(len(lines), dtype=np.int32)[:, None, None]
    before = np.maximum.accumulate(np.where(lines, index, -far), axis=0)
    after = np.minimum.accumulate(np.where(lines, index, far)[::-1], axis=0)[::-1]
    gap: np.ndarray = np.moveaxis(after - before, 0, axis)
    return gap


def _outer_pockets(lung: np.ndarray, rays: Rays, voxel_ml: float) -> np.ndarray:
    """Tissue between the outermost lung of each ray and the lung's convex hull.

    Sagittal hulls see a lesion along the whole back of a slice from the lung above and below it.
    A large pocket without lung below, and with little at its sides, is liver, spleen or stomach
    under the dome.
    """
    pockets = np.zeros_like(lung)
    box = bounding_box(lung)
    if box is None:
        return pockets
    last = rays.at_voxels(rays.exit(lung))
    pockets[box] = slice_hulls(lung[box])
    pockets[box] |= np.moveaxis(slice_hulls(np.moveaxis(lung[box], 2, 0)), 0, 2)
    pockets &= ~lung & (last > 0)
    pockets &= (rays.radius > last) & (rays.radius < last + _DEEPEST)
    # Slivers between the rays and along the curved outline are not lesions.
    pockets = np.asarray(ndimage.binary_opening(pockets, _IN_PLANE_CROSS))
    labels, sizes = label(pockets)
    above_lung = pockets & np.logical_or.accumulate(lung, axis=0)
    above = count_labels(labels[above_lung], len(sizes)) / np.maximum(sizes, 1)
    for number in np.flatnonzero((sizes * voxel_ml > _LARGE_POCKET) & (above < _ABOVE_LUNG)):
        pocket = labels == number
        if free_surface(pocket, lung) > _FREE:
            pockets &= ~pocket
    return pockets


def slice_hulls(mask: np.ndarray) -> np.ndarray:
    """Convex hull of every axial slice."""
    hulls = mask.copy()
    for z in np.flatnonzero(mask.any(axis=(1, 2))):
        points = np.argwhere(mask[z])
        try:
            corners = points[ConvexHull(points).vertices]
        except QhullError:  # fewer than three voxels, or all in one line
            continue
        hulls[z] |= _polygon2mask(mask[z].shape, corners)
    return hulls
