"""Lungs of a diseased chest by threshold, morphology and geometry; needs no weights."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..flags import Flag
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress
from ..volume.geometry import zeros_laid_out_as
from .airways import AIRWAY, bronchi_in_lung, find_trachea, mark_airways
from .body import find_body, large_pieces, midline_of, padding_rim, width_of
from .chest_wall import rim_flags
from .dense_lung import add_dense_lung
from .extractor import LungLabels
from .morphology import within
from .plausibility import check_lungs
from .sides import remove_remnant, right_and_left, with_lone_lung_on_its_side
from .working_grid import WorkingGrid, clip_hu

_AERATED = -350  # HU; below: lung including ground glass, or air
_NO_AIRWAYS = Flag(
    "airways-not-found",
    "The trachea was not found: main bronchi may be counted as lung.",
    level="note",
)


class ThresholdExtractor:
    """Classical lung extraction that keeps dense lesions inside the lung.

    Body, aerated lung, airways, sides, closing and the chest wall are worked out on a copy of
    about 2 mm; the outline is then taken from the CT's own voxels.
    """

    def extract(
        self,
        axial_hu: np.ndarray,
        spacing: tuple[float, float, float],
        progress: ProgressCallback = ignore_progress,
        cancel: CancelToken | None = None,
    ) -> LungLabels:
        """See :class:`~.extractor.LungExtractor`."""

        def step(fraction: float, message: str) -> None:
            if cancel is not None:
                cancel.raise_if_cancelled()
            progress(Progress("Finding the lungs", fraction, message))

        if axial_hu.ndim != 3 or min(axial_hu.shape) < 2:
            raise InputError("A CT volume needs at least two slices, rows and columns.")
        step(0.0, "body")
        grid = WorkingGrid.of(axial_hu.shape, spacing)
        coarse = grid.shrink(axial_hu, clip_hu)
        body = find_body(coarse, grid)

        step(0.2, "aerated lung")
        midline = midline_of(body)
        trachea = find_trachea(coarse, body, midline, grid)
        labels = zeros_laid_out_as(axial_hu, np.uint8)
        if trachea is not None:
            mark_airways(labels, axial_hu, trachea, spacing, grid)
        coarse_airways = grid.shrink(labels, lambda part: part == AIRWAY) > 0
        lungs = large_pieces((coarse < _AERATED) & body & ~coarse_airways, coarse, grid)

        step(0.45, "right and left")
        sides = right_and_left(lungs, midline, grid, width_of(body, grid))
        sides = with_lone_lung_on_its_side(sides, body, coarse, grid)

        step(0.55, "dense lesions")
        sides, rim = add_dense_lung(sides, coarse, body, coarse_airways, grid)
        bronchi = bronchi_in_lung(coarse_airways, sides, grid)
        sides |= bronchi
        for slab in grid.slabs():
            labels[slab][grid.repeat(bronchi > 0, (slab,))] = 0

        step(0.8, "outline")
        field_rim = padding_rim(coarse)
        outside = (coarse < _AERATED) & ~body & ~field_rim
        # At the rim of the field of view, the CT's own voxels tell lung from padding.
        unseen = float(coarse.min()) if field_rim.any() else -np.inf
        _outline(labels, sides, outside, axial_hu, unseen, grid)
        remove_remnant(labels)
        step(0.95, "plausibility")
        flags = (*rim_flags(sides, rim, grid), *check_lungs(labels, axial_hu, spacing, rim))
        if trachea is None:
            flags += (_NO_AIRWAYS,)
        step(1.0, "")
        return LungLabels(labels, flags, {"method": "threshold"})


def _outline(
    labels: np.ndarray,
    sides: np.ndarray,
    outside: np.ndarray,
    hu: np.ndarray,
    unseen: float,
    grid: WorkingGrid,
) -> None:
    """Turn the airways in ``labels`` into the coarse lung; the CT's own voxels decide its edge.

    The edge does not reach for air ``outside`` the body (on the coarse grid), which lies behind a
    thin wall, or for voxels of at most the HU ``unseen``, which are padding.
    """
    lungs = {side: sides == side for side in (1, 2) if (sides == side).any()}
    edges = {
        side: within(lung, max(grid.spacing), grid.spacing) & ~outside
        for side, lung in lungs.items()
    }
    for slab in grid.slabs():
        part = labels[slab]
        aerated = (hu[slab] < _AERATED) & (hu[slab] > unseen)
        for side, lung in lungs.items():
            aerated_edge = grid.repeat(edges[side], (slab,)) & aerated
            # Where right and left meet, both reach for the same voxels: what is taken stays.
            part[(grid.expand(lung, slab) | aerated_edge) & (part == 0)] = side
        part[part == AIRWAY] = 0
