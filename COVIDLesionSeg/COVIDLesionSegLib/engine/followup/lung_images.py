"""What is registered: an image of the lungs in which disease and air content do not show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from ..boxes import part_with
from ..labels import LEFT_LUNG, RIGHT_LUNG
from ..volume import image_from
from .study import Study

WORKING_MM = 3.5
"""Voxel size of the grid on which the lungs are registered."""
_MARGIN_MM = 20.0
"""Of that grid around the later lungs; more than a voxel of the coarsest level."""
_STRUCTURE_HU = 400.0
"""Difference from the median of the lung that counts as much as the border of the lung."""
OUTSIDE = 1.0
"""Value outside the lungs."""


@dataclass(frozen=True)
class LungImages:
    """Images of one study, coarse, on axes of the study's own grid; float32.

    Attributes:
        appearance: 1 outside the lungs; within them 0 is the median of the aerated lung, and 1
            lies :data:`_STRUCTURE_HU` above it. Lesions have the median: a lesion that grew, came
            or went must not pull on the registration (Brett et al. 2001, NeuroImage 14:486,
            "cost-function masking"). Without the CT all of the lung has it.
        right, left: Share of each voxel that is that lung, 0 to 1.
        aerated: Share of each voxel that is lung without lesion, 0 to 1.
    """

    appearance: sitk.Image
    right: sitk.Image
    left: sitk.Image
    aerated: sitk.Image


def lung_images(study: Study) -> LungImages:
    """The images of a study, reduced to about half of :data:`WORKING_MM` by means of blocks."""
    box, geometry = part_with(study.lungs, study.geometry, margin=2)
    lungs, lesions = study.lungs[box], study.lesions[box] > 0
    inside = lungs > 0
    aerated = inside & ~lesions
    appearance = np.where(inside, np.float32(0), np.float32(OUTSIDE))
    if study.hu is not None and aerated.any():
        hu = study.hu[box][aerated].astype(np.float32)
        appearance[aerated] = np.clip((hu - np.median(hu)) / _STRUCTURE_HU, -1, 1)
    factors = [max(1, int(WORKING_MM / 2 // spacing)) for spacing in geometry.spacing]

    def reduced(array: npt.NDArray[np.generic]) -> sitk.Image:
        image = image_from(array.astype(np.float32), geometry)
        coarse: sitk.Image = sitk.BinShrink(image, factors) if max(factors) > 1 else image
        return coarse

    return LungImages(
        reduced(appearance),
        reduced(lungs == RIGHT_LUNG),
        reduced(lungs == LEFT_LUNG),
        reduced(aerated),
    )


def working_grid(images: LungImages) -> sitk.Image:
    """An empty image of :data:`WORKING_MM` with the patient's axes (LPS) around the lungs."""
    image = images.appearance
    size = image.GetSize()
    corners = np.array(
        [
            image.TransformContinuousIndexToPhysicalPoint((i, j, k))
            for i in (0.0, size[0] - 1.0)
            for j in (0.0, size[1] - 1.0)
            for k in (0.0, size[2] - 1.0)
        ]
    )
    low, high = corners.min(axis=0) - _MARGIN_MM, corners.max(axis=0) + _MARGIN_MM
    grid = sitk.Image([int(n) for n in np.ceil((high - low) / WORKING_MM) + 1], sitk.sitkUInt8)
    grid.SetOrigin([float(mm) for mm in low])
    grid.SetSpacing([WORKING_MM] * 3)
    return grid


def on_grid(
    image: sitk.Image,
    grid: sitk.Image,
    transform: sitk.Transform | None = None,
    outside: float = 0.0,
) -> sitk.Image:
    """An image on another grid, float32, linear between its voxels.

    Args:
        image: The image.
        grid: Gives the grid.
        transform: From points of the grid to points of the image; the identity by default.
        outside: Value beyond the image.
    """
    chosen = transform or sitk.Transform(3, sitk.sitkIdentity)
    there: sitk.Image = sitk.Resample(
        image, grid, chosen, sitk.sitkLinear, outside, sitk.sitkFloat32
    )
    return there
