"""How far a registration of the lungs can be relied on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from ..errors import InputError
from .lung_images import OUTSIDE, WORKING_MM, LungImages, on_grid

_HALF, _WHOLE = 0.5, 0.95
_RIM_MM = 7.0
"""At the border of the lungs and of lesions every pair of CTs looks alike: it does not count."""
_FINE_MM = 12.0
"""Standard deviation of the Gaussian below which structure counts as fine: vessels, bronchi."""
_FEWEST_VOXELS = 500


@dataclass(frozen=True)
class RegistrationQuality:
    """Measured on the working grid of the registration, within the later lungs.

    Attributes:
        lung_dice: Overlap of the lungs after registration, right with right and left with left,
            0 to 1.
        affine_lung_dice: The same after the affine part alone.
        surface_mm: Mean distance of the borders of the lungs after registration, in mm.
        smallest_jacobian: Smallest determinant of the Jacobian of the whole transform: 1 keeps the
            volume, 0.5 halves it from the later to the earlier CT; 0 or less is a fold.
        folded_share: Share of the voxels of the lungs with a determinant of 0 or less, 0 to 1.
        affine_determinant: Factor by which the affine part changes volumes.
        structure_correlation: Pearson correlation of the fine structure (vessels, bronchi) of the
            aerated lung after registration, -1 to 1; None where a CT is not known. In two CTs of
            one patient the same vessels meet; in those of two patients they do not.
        mean_displacement_mm: How far the deformable part moves the tissue of the lungs.
    """

    lung_dice: float
    affine_lung_dice: float
    surface_mm: float | None
    smallest_jacobian: float
    folded_share: float
    affine_determinant: float
    structure_correlation: float | None
    mean_displacement_mm: float


IDENTITY = RegistrationQuality(1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0)
"""Of a CT with itself."""


def measure_quality(
    fixed: LungImages,
    moving: LungImages,
    grid: sitk.Image,
    transform: sitk.Transform,
    affine: sitk.AffineTransform,
    with_structure: bool,
) -> RegistrationQuality:
    """Measure a registration on its working grid.

    Args:
        fixed, moving: Images of the later and of the earlier study.
        grid: The working grid, with the patient's axes.
        transform: From the later to the earlier study.
        affine: The part of it that is affine.
        with_structure: Whether both images show the structure of the lung: without a CT they do
            not.

    Raises:
        InputError: The later lungs are smaller than a voxel of the grid.
    """

    def there(
        image: sitk.Image, by: sitk.Transform | None = None, outside: float = 0.0
    ) -> npt.NDArray[np.float32]:
        array: npt.NDArray[np.float32] = sitk.GetArrayFromImage(on_grid(image, grid, by, outside))
        return array

    lungs = [there(image) > _HALF for image in (fixed.right, fixed.left)]
    warped = [there(image, transform) > _HALF for image in (moving.right, moving.left)]
    affine_only = [there(image, affine) > _HALF for image in (moving.right, moving.left)]
    inside = lungs[0] | lungs[1]
    if not inside.any():
        raise InputError("The lungs are too small to be registered: check their segmentation.")
    field = sitk.TransformToDisplacementField(
        transform, sitk.sitkVectorFloat64, grid.GetSize(), grid.GetOrigin(), grid.GetSpacing()
    )
    jacobian = sitk.GetArrayFromImage(sitk.DisplacementFieldJacobianDeterminant(field))[inside]
    linear = sitk.TransformToDisplacementField(
        affine, sitk.sitkVectorFloat64, grid.GetSize(), grid.GetOrigin(), grid.GetSpacing()
    )
    moved = (sitk.GetArrayViewFromImage(field) - sitk.GetArrayViewFromImage(linear))[inside]
    correlation = None
    if with_structure:
        both = _well_inside(
            (there(fixed.aerated) > _WHOLE) & (there(moving.aerated, transform) > _WHOLE)
        )
        correlation = _correlation(
            there(fixed.appearance, outside=OUTSIDE),
            there(moving.appearance, transform, OUTSIDE),
            both,
        )
    return RegistrationQuality(
        lung_dice=_dice(lungs, warped),
        affine_lung_dice=_dice(lungs, affine_only),
        surface_mm=_surface_distance(inside, warped[0] | warped[1]),
        smallest_jacobian=float(jacobian.min()),
        folded_share=float(np.count_nonzero(jacobian <= 0) / jacobian.size),
        affine_determinant=float(np.linalg.det(np.reshape(affine.GetMatrix(), (3, 3)))),
        structure_correlation=correlation,
        mean_displacement_mm=float(np.linalg.norm(moved, axis=-1).mean()),
    )


def _dice(first: list[npt.NDArray[np.bool_]], second: list[npt.NDArray[np.bool_]]) -> float:
    common = sum(int(np.count_nonzero(a & b)) for a, b in zip(first, second, strict=True))
    total = sum(int(np.count_nonzero(one)) for one in (*first, *second))
    return 2 * common / total if total else 0.0


def _surface_distance(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> float | None:
    """Mean distance in mm from the border of each mask to that of the other."""
    if not first.any() or not second.any():
        return None
    distances = []
    for one, other in ((first, second), (second, first)):
        image = sitk.GetImageFromArray(other.astype(np.uint8))
        image.SetSpacing([WORKING_MM] * 3)
        distance = sitk.GetArrayFromImage(
            sitk.Abs(
                sitk.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True)
            )
        )
        contour = sitk.GetArrayFromImage(
            sitk.LabelContour(sitk.GetImageFromArray(one.astype(np.uint8)))
        )
        distances.append(distance[contour > 0])
    return float(np.concatenate(distances).mean())


def _correlation(
    first: npt.NDArray[np.float32],
    second: npt.NDArray[np.float32],
    mask: npt.NDArray[np.bool_],
) -> float | None:
    if np.count_nonzero(mask) < _FEWEST_VOXELS:
        return None
    fine = [_fine(one, mask)[mask] for one in (first, second)]
    if min(one.std() for one in fine) == 0:
        return None
    return float(np.corrcoef(fine[0], fine[1])[0, 1])


def _well_inside(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    from scipy import ndimage

    inside: npt.NDArray[np.bool_] = ndimage.binary_erosion(
        mask, iterations=round(_RIM_MM / WORKING_MM)
    )
    return inside


def _fine(image: npt.NDArray[np.float32], mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """What is left of an image without its mean over a Gaussian within the mask."""
    from scipy import ndimage

    sigma = _FINE_MM / WORKING_MM
    weight = ndimage.gaussian_filter(mask.astype(np.float64), sigma)
    mean = ndimage.gaussian_filter(np.where(mask, image, 0).astype(np.float64), sigma)
    fine: npt.NDArray[np.float64] = image - mean / np.maximum(weight, 1e-6)
    return fine
