"""How far the borders of predicted lesions lie from the true ones; MONAI's measures."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from monai.metrics.hausdorff_distance import compute_hausdorff_distance
from monai.metrics.surface_dice import compute_surface_dice
from torch import Tensor


def hausdorff95(
    predicted: np.ndarray, truth: np.ndarray, spacing: tuple[float, ...]
) -> float | None:
    """95th percentile of the Hausdorff distance, in the unit of ``spacing``.

    The larger of two 95th percentiles: of the distances from the predicted border to the nearest
    true one, and back. A border pixel lies in the mask and has a neighbour outside it.

    Args:
        predicted, truth: bool, (rows, columns) or (z, y, x).
        spacing: Of the pixels along the axes, in mm; ones give a distance in pixels.

    Returns:
        None where one of the two has no lesion.
    """
    if not predicted.any() or not truth.any():
        return None
    with _quiet_monai():
        distance = compute_hausdorff_distance(
            _batch(predicted),
            _batch(truth),
            include_background=True,
            percentile=95,
            spacing=spacing,
        )
    return float(distance)


def normalised_surface_dice(
    predicted: np.ndarray, truth: np.ndarray, spacing: tuple[float, ...], tolerance: float
) -> float | None:
    """Share of both borders that lies within ``tolerance`` of the other one, 0 to 1.

    Source: Nikolov et al. 2018, arXiv:1809.04430, with borders counted in pixels.

    Args:
        predicted, truth: bool, (rows, columns) or (z, y, x).
        spacing: Of the pixels along the axes, in mm; ones where ``tolerance`` is in pixels.
        tolerance: In the unit of ``spacing``.

    Returns:
        None where neither has a lesion, 0 where only one has.
    """
    if not predicted.any() and not truth.any():
        return None
    if not predicted.any() or not truth.any():
        return 0.0
    with _quiet_monai():
        share = compute_surface_dice(
            _batch(predicted), _batch(truth), [tolerance], include_background=True, spacing=spacing
        )
    return float(share)


@contextmanager
def _quiet_monai() -> Iterator[None]:
    """MONAI 1.6 warns of an argument that it passes to itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def _batch(mask: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(mask))[None, None]
