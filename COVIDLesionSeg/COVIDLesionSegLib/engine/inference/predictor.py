"""Lesion probabilities of a whole CT, slice by slice, in bounded memory."""

from __future__ import annotations

import numpy as np

from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress
from .slice_network import SliceNetwork

# What the network sees around the lungs: its receptive field reaches into the chest wall.
_MARGIN_MM = 25.0


def predict_volume(
    axial_hu: np.ndarray,
    lungs: np.ndarray,
    pixel_mm: tuple[float, float],
    slice_network: SliceNetwork,
    whole_slices: bool = False,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> np.ndarray:
    """Lesion probability, float32 (z, y, x), 0 to 1; 0 outside the lungs.

    Only slices that contain lung are computed, and of them only the box around all lungs.

    Args:
        axial_hu: HU (z, y, x) in axial order.
        lungs: Non-zero in the lungs, same shape.
        pixel_mm: Pixel size along (y, x), in mm.
        slice_network: The network.
        whole_slices: Compute whole slices instead of the box, as a protocol that fixes the place
            of patches on the slice demands.
        progress: Told after every batch; ``fraction`` runs from 0 to 1 within this call.
        cancel: Looked at before every batch.

    Raises:
        Cancelled: The token was set.
        DeviceError: Out of memory, with no smaller step left.
    """
    probability = np.zeros(axial_hu.shape, dtype=np.float32)
    slices = np.flatnonzero(lungs.any(axis=(1, 2)))
    if not len(slices):
        return probability
    box = (slice(None), slice(None)) if whole_slices else _lung_box(lungs, pixel_mm)
    done = 0
    while done < len(slices):
        if cancel is not None:
            cancel.raise_if_cancelled()
        shape = lungs[(0, *box)].shape
        batch = slices[done : done + slice_network.slices_at_once(shape)]
        answer = slice_network(axial_hu[(batch, *box)])
        probability[(batch, *box)] = np.where(lungs[(batch, *box)] > 0, answer, 0.0)
        done += len(batch)
        message = f"slice {done} of {len(slices)}"
        progress(Progress("Finding lesions", done / len(slices), message))
    return probability


def _lung_box(lungs: np.ndarray, pixel_mm: tuple[float, float]) -> tuple[slice, slice]:
    """Rows and columns that hold all lungs of all slices, with a margin."""
    projection = lungs.any(axis=0)
    box = []
    for axis, size in enumerate(pixel_mm):
        inside = np.flatnonzero(projection.any(axis=1 - axis))
        margin = round(_MARGIN_MM / size)
        box.append(slice(max(0, inside[0] - margin), inside[-1] + 1 + margin))
    return tuple(box)
