"""Are these the lungs of an adult, whole, mostly aerated, and nothing but lung?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..flags import LUNGS_CUT_OFF, Flag
from ..text import share_text
from .airway_flags import check_airways
from .body import find_body, find_padding
from .lone_lung import side_of_lone_lung
from .morphology import count_labels, label, within
from .places import most_first, name_slices
from .side_flags import check_sides
from .soft_tissue import check_soft_tissue
from .wall_contact import check_wall_contact
from .working_grid import WorkingGrid, clip_hu

_ADULT_ML = (1500.0, 9000.0)  # both lungs, from expiration in disease to a large inspiration
MISSING_SHARE = 0.05  # of the other lung; less is a remnant, not a lung
_ASYMMETRIC = 0.65  # smaller by larger; normal is about 0.85
_SMALL_HERE = 0.75  # of the other lung in a slice
_CUT_OFF = 0.10  # of the largest slice's area; less is a costophrenic recess or the tip of an apex
_TOUCHES = 0.005
_FROM_PADDING = 6.0  # mm; lung that is nearer is cut by the field of view
_GAP = 0.5  # of the smaller of the largest areas below and above; a large heart leaves about 0.9
_LARGE_AREA = 0.2  # of a lung's largest area; a smaller lung is its tip, of any shape
_TIP = 0.05  # of a lung's largest area; a recess may end in several tips
_APART_ML = 5.0  # smaller pieces are the ends of recesses
_PARTED_ML = 15.0  # aerated lung within a consolidation is smaller
_LOW = 0.1  # of a lung lies lower than a piece at the height of its base
_DENSE_HU = -300
_DENSE_SHARE = 0.30  # of a lung; vessels alone take about 0.1
_AERATED_HU = -500
_MOST_PLACES = 3
_SIDES = {1: "right", 2: "left"}


def check_lungs(
    labels: np.ndarray,
    axial_hu: np.ndarray,
    spacing: tuple[float, float, float],
    rim: np.ndarray | None = None,
    *,
    sides_stated: bool = False,
) -> tuple[Flag, ...]:
    """What a reader must know before trusting these lungs.

    Slices are named by their index, 0 at the inferior end, as everywhere else; those with most of
    what is odd come first in ``Flag.slices``.

    Args:
        labels: uint8 (z, y, x) in axial order; 1 right lung, 2 left lung.
        axial_hu: HU, same shape.
        spacing: mm along (z, y, x).
        rim: Dense lung along the ribs that has a flag of its own, bool on the working grid.
        sides_stated: Right and left were told apart by whoever marked the lungs, not by where a
            lung lies in the field of view.

    Returns:
        Flags with these codes: ``lung-volume-small``, ``lung-volume-large``, ``lung-missing``,
        ``lungs-asymmetric``, ``lungs-cut-off``, ``lungs-touch-border``, ``lung-gap``,
        ``lung-sides-unclear``, ``lung-airways-included``, ``lung-aerated-left-out``,
        ``lung-piece-apart``, ``lung-soft-tissue``, ``lung-wall-apart``, ``lung-dense``.
    """
    voxel_ml = float(np.prod(spacing)) / 1000
    counts = count_labels(labels, 3)
    ml = {side: float(counts[side]) * voxel_ml for side in _SIDES}
    # Voxels of each lung over (z, x).
    columns = {
        side: np.stack([np.count_nonzero(one == side, axis=0) for one in labels]) for side in _SIDES
    }
    z, y, x = labels.shape
    grid = WorkingGrid.of((z, y, x), spacing)
    coarse = grid.shrink(axial_hu, clip_hu)
    lungs = {
        1: grid.shrink(labels, lambda part: part == 1) >= 50,
        2: grid.shrink(labels, lambda part: part == 2) >= 50,
    }
    return (
        *_check_volumes(ml, labels),
        *_check_missing(ml, None if sides_stated else lungs, coarse, grid),
        *_check_borders(labels, lungs[1] | lungs[2], coarse, grid),
        *_check_gaps(columns),
        *check_sides(columns, lungs, grid),
        *check_airways(lungs, coarse, grid),
        *_check_pieces(lungs, coarse, grid),
        *check_soft_tissue(lungs, coarse, rim, grid),
        *check_wall_contact(lungs, coarse, grid),
        *_check_density(labels, axial_hu, columns),
    )


def _check_volumes(ml: dict[int, float], labels: np.ndarray) -> Iterator[Flag]:
    total = sum(ml.values())
    low, high = _ADULT_ML
    if total < low:
        yield Flag(
            "lung-volume-small",
            f"Both lungs together have {total:.0f} ml, less than {low:.0f} ml expected of an "
            "adult: look whether lung is missing from the CT or from the mask.",
        )
    if total > high:
        yield Flag(
            "lung-volume-large",
            f"Both lungs together have {total:.0f} ml, more than {high:.0f} ml expected of an "
            "adult: look whether the mask leaks out of the lungs and whether the spacing is right.",
        )
    smaller, larger = sorted(_SIDES, key=lambda side: ml[side])
    ratio = ml[smaller] / ml[larger] if ml[larger] else 0.0
    if MISSING_SHARE <= ratio < _ASYMMETRIC:
        small, large = (np.count_nonzero(labels == side, axis=(1, 2)) for side in (smaller, larger))
        less = np.where(small < _SMALL_HERE * large, large - small, 0)
        yield Flag(
            "lungs-asymmetric",
            f"The {_SIDES[smaller]} lung has only {share_text(ratio)} of the volume of the "
            f"{_SIDES[larger]} lung, and is the smaller one in {name_slices(less > 0)}: look for "
            "consolidation, collapse, effusion, or lung missing from the mask.",
            slices=most_first(less),
        )


def _check_missing(
    ml: dict[int, float],
    lungs: dict[int, np.ndarray] | None,
    coarse: np.ndarray,
    grid: WorkingGrid,
) -> Iterator[Flag]:
    smaller, larger = sorted(_SIDES, key=lambda side: ml[side])
    if ml[larger] and ml[smaller] >= MISSING_SHARE * ml[larger]:
        return
    if lungs is not None and lungs[larger].any():
        body = find_body(coarse, grid)
        if side_of_lone_lung(lungs[larger], body, coarse, grid) is None:
            yield Flag(
                "lung-sides-unclear",
                "One lung alone lies in the field of view, and its side is not known: what is "
                "said of the right and the left lung may be exchanged.",
            )
            return
    yield Flag(
        "lung-missing",
        f"No {_SIDES[smaller]} lung was found: look for collapse, effusion, a removed lung, or a "
        "field of view around the other one.",
    )


def _check_borders(
    labels: np.ndarray, coarse_lungs: np.ndarray, coarse: np.ndarray, grid: WorkingGrid
) -> Iterator[Flag]:
    areas = np.count_nonzero(labels, axis=(1, 2))
    largest = max(int(areas.max()), 1)
    for index, end in ((0, "inferior"), (len(areas) - 1, "superior")):
        area = areas[index]
        if area > _CUT_OFF * largest:
            yield Flag(
                LUNGS_CUT_OFF,
                f"The CT ends within the lungs at the {end} end: volumes and ratios are those of "
                "the scanned part only.",
                slices=(index,),
            )
        elif area > _TOUCHES * largest:
            yield Flag(
                "lungs-touch-border",
                f"The lungs reach the first slice at the {end} end: a small part may be missing.",
                level="note",
                slices=(index,),
            )
    edges = (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1])
    reached = sum(np.count_nonzero(edge, axis=1) for edge in edges)  # voxels by slice
    padding = find_padding(coarse)
    if padding.any():
        near = max(_FROM_PADDING, 1.5 * max(grid.spacing[1:]))
        cut = within(padding, near, grid.spacing) & coarse_lungs
        pixels = grid.factors[1] * grid.factors[2]
        reached = reached + grid.repeat_slices(_per_slice(cut)) * pixels
    if reached.sum() > _TOUCHES * largest:
        yield Flag(
            LUNGS_CUT_OFF,
            "The lungs reach the side of the field of view: volumes and ratios are those of the "
            "scanned part only.",
            slices=most_first(reached),
        )


def _check_gaps(columns: dict[int, np.ndarray]) -> Iterator[Flag]:
    """A lung's area rises to one maximum and falls again, or nearly so."""
    for side, name in _SIDES.items():
        area = columns[side].sum(axis=1)
        most = area.max()
        below = np.maximum.accumulate(area)
        above = np.maximum.accumulate(area[::-1])[::-1]
        around = np.minimum(below, above)
        gap = (area == 0) & (around > _TIP * most)
        gap |= (area < _GAP * around) & (around > _LARGE_AREA * most)
        if gap.any():
            yield Flag(
                "lung-gap",
                f"The {name} lung is missing, or more than half of it, in {name_slices(gap)}, "
                "though there is lung below and above: volumes and ratios lack what lies there.",
                slices=most_first(np.where(gap, around - area, 0)),
            )


def _check_pieces(
    lungs: dict[int, np.ndarray], coarse: np.ndarray, grid: WorkingGrid
) -> Iterator[Flag]:
    """Pieces apart from a lung, and large ones that tissue parts from it at its base.

    The lung that is filled may hold the diaphragm, and below it the stomach.
    """
    for side, name in _SIDES.items():
        whole, _ = label(lungs[side])
        labels, sizes = label(lungs[side] & (coarse < _AERATED_HU))
        ml = sizes * grid.voxel_ml
        order = [n for n in np.argsort(sizes)[::-1] if ml[n] > _APART_ML][: _MOST_PLACES + 1]
        main = _per_slice(labels == order[0]) if order else np.zeros(len(labels))
        for number in order[1:]:
            voxels = _per_slice(labels == number)
            middle = np.searchsorted(np.cumsum(voxels), voxels.sum() / 2)
            low = main[:middle].sum() < _LOW * main.sum()
            apart = whole[labels == number][0] != whole[labels == order[0]][0]
            if apart or (low and ml[number] > _PARTED_ML):
                there = grid.repeat_slices(voxels)
                yield Flag(
                    "lung-piece-apart",
                    f"{ml[number]:.0f} ml counted as {name} lung lie apart, "
                    f"{'below' if low else 'beside'} the rest of it, in "
                    f"{name_slices(there > 0)}: look whether they are gas in the stomach or bowel.",
                    slices=most_first(there),
                )


def _per_slice(mask: np.ndarray) -> np.ndarray:
    counts: np.ndarray = np.count_nonzero(mask, axis=(1, 2))
    return counts


def _check_density(
    labels: np.ndarray, hu: np.ndarray, columns: dict[int, np.ndarray]
) -> Iterator[Flag]:
    dense = np.zeros((len(labels), 3), np.int64)
    for number, (one, its_hu) in enumerate(zip(labels, hu, strict=True)):
        dense[number] = np.bincount(one[its_hu > _DENSE_HU], minlength=3)
    for side, name in _SIDES.items():
        here, area = dense[:, side], columns[side].sum(axis=1)
        if here.sum() > _DENSE_SHARE * area.sum():
            yield Flag(
                "lung-dense",
                f"{share_text(here.sum() / area.sum())} of the {name} lung is not aerated: "
                "consolidation, effusion and collapse look alike here, and part may be missing.",
                slices=most_first(np.where(here > _DENSE_SHARE * area, here, 0)),
            )
