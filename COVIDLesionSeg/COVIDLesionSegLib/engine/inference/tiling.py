"""One forward pass over slices: whole, or patch by patch."""

from __future__ import annotations

from monai.inferers import Inferer, SimpleInferer, SlidingWindowInferer


def make_inferer(tiling: str, patch_size: tuple[int, int] | None, batch_size: int) -> Inferer:
    """MONAI inferer for a batch of slices (batch, 1, rows, columns).

    Args:
        tiling: ``"whole-slice"``: one pass; the network is fully convolutional. ``"overlapping"``:
            half-overlapping patches, blended with a Gaussian. ``"non-overlapping"``: the EAMC
            paper's test protocol (section 5.1), 16 patches of 128x128 on a 512x512 slice.
        patch_size: (rows, columns); not used for whole slices.
        batch_size: Patches per forward pass.
    """
    if tiling == "whole-slice":
        return SimpleInferer()
    blended = tiling == "overlapping"
    return SlidingWindowInferer(
        roi_size=patch_size,
        sw_batch_size=batch_size,
        overlap=0.5 if blended else 0.0,
        mode="gaussian" if blended else "constant",
    )
