"""The patient's body, and the pieces of lung that are large enough to be a lung."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..errors import LungsNotFoundError
from .components import fill_slices, label, largest
from .working_grid import WorkingGrid, deeper_than, within

SMALLEST_LUNG = 150.0  # ml of lung in one piece
NOT_FOUND = (
    "No lungs were found: the CT must show the chest, in HU, with aerated lung on at least one "
    "side."
)
_BODY = -300  # HU; above: tissue
_GAS = -945  # HU; median below: gas in the bowel or outside, not even an emphysematous lung
_TABLE = 5.0  # mm; thicker than a shell of the table, thinner than the chest wall


def find_body(coarse: np.ndarray, grid: WorkingGrid) -> np.ndarray:
    """The patient without table and clothes, everything inside included; bool, like ``coarse``."""
    tissue = coarse > _BODY
    core = largest(deeper_than(tissue, _TABLE, grid.spacing))
    body = within(core, _TABLE + max(grid.spacing), grid.spacing) & tissue
    return fill_slices(body)


def midline_of(body: np.ndarray) -> float:
    """x index of the patient's midline; 0 without a body."""
    return float(np.nonzero(body.any(axis=(0, 1)))[0].mean()) if body.any() else 0.0


def large_pieces(lung: np.ndarray, coarse: np.ndarray, grid: WorkingGrid) -> np.ndarray:
    """The large pieces of what may be lung.

    Args:
        lung: bool, on the coarse grid.
        coarse: HU, same shape.
        grid: The coarse grid.

    Raises:
        LungsNotFoundError: No piece is large enough, or all are gas.
    """
    labels, sizes = label(lung)
    ml = sizes * grid.voxel_ml
    # A lung of which little is aerated still counts beside a normal one.
    numbers = np.flatnonzero(ml >= 0.1 * SMALLEST_LUNG)
    medians = np.asarray(ndimage.median(coarse, labels, numbers)) if len(numbers) else np.empty(0)
    numbers = numbers[medians > _GAS]
    if not len(numbers) or ml[numbers].max() < SMALLEST_LUNG:
        raise LungsNotFoundError(NOT_FOUND)
    return np.isin(labels, numbers[ml[numbers] >= 0.1 * ml[numbers].max()])
