"""Brings the lungs of an earlier CT onto those of a later one: affine, then deformable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from ..errors import Cancelled
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress
from .lung_images import OUTSIDE, LungImages, lung_images, on_grid, working_grid
from .quality import RegistrationQuality, measure_quality
from .study import Study

_AFFINE_LEVELS = ((4, 2.0), (2, 1.0))
"""Shrink factor and smoothing, in voxels of the working grid."""
_AFFINE_ITERATIONS = 60
_SAMPLED = 0.3
"""Share of the voxels that the affine registration looks at, the same ones in every run."""
_SEED = 1
"""ITK moves these places by a fraction of a voxel: without a seed, by the clock."""
_LEAST_VOXELS = 4
"""Along every axis, for ITK to smooth an image."""
_DEFORMABLE_LEVELS = ((4, 30), (2, 30), (1, 15))
"""Shrink factor and iterations."""
_SMOOTHING = 1.5
"""Standard deviation, in voxels of a level, of the Gaussian that keeps the deformation smooth."""


@dataclass(frozen=True, eq=False)
class Registration:
    """Where the tissue of a later CT lies in an earlier one.

    Attributes:
        transform: From LPS mm of the later CT to LPS mm of the earlier one; None for the identity,
            where both are one and the same CT.
        quality: How far it can be relied on.
    """

    transform: sitk.Transform | None
    quality: RegistrationQuality

    @property
    def to_earlier(self) -> sitk.Transform:
        """The transform, the identity included."""
        return sitk.Transform(3, sitk.sitkIdentity) if self.transform is None else self.transform


def register(
    earlier: Study,
    later: Study,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Registration:
    """Register the lungs of two CTs of one patient.

    Affine by mean squares over two levels, then diffeomorphic demons (Vercauteren et al. 2009,
    NeuroImage 45:S61) over three, on images whose main edge is the border of the lungs, see
    :class:`~.lung_images.LungImages`. Nothing in it is random.

    Args:
        earlier: The earlier study.
        later: The later one, whose lungs decide where the registration is worked out.
        progress: Called with progress.
        cancel: Looked at between iterations.

    Raises:
        Cancelled: The token was set.
    """
    cancel = cancel or CancelToken()
    progress(Progress("Preparing the lungs", 0.0))
    fixed, moving = lung_images(later), lung_images(earlier)
    cancel.raise_if_cancelled()
    grid = working_grid(fixed)
    target = on_grid(fixed.appearance, grid, outside=OUTSIDE)
    progress(Progress("Registering the lungs: affine", 0.1))
    affine = _affine(target, moving.appearance, _centroid(fixed), _centroid(moving), cancel)
    progress(Progress("Registering the lungs: deformable", 0.4))
    aligned = on_grid(moving.appearance, grid, affine, OUTSIDE)
    field = _deformable(target, aligned, progress, cancel)
    deformation = sitk.DisplacementFieldTransform(sitk.Image(field))
    transform = sitk.CompositeTransform([affine, deformation])
    progress(Progress("Checking the registration", 0.95))
    both_cts = earlier.hu is not None and later.hu is not None
    quality = measure_quality(fixed, moving, grid, transform, affine, both_cts)
    return Registration(transform, quality)


def _centroid(images: LungImages) -> npt.NDArray[np.float64]:
    """Centre of both lungs, LPS in mm."""
    weights = sitk.GetArrayViewFromImage(images.right) + sitk.GetArrayViewFromImage(images.left)
    total = float(weights.sum(dtype=np.float64))
    index = [
        float((weights.sum(axis=tuple({0, 1, 2} - {axis}), dtype=np.float64) * np.arange(n)).sum())
        / total
        for axis, n in enumerate(weights.shape)
    ]
    return np.array(images.right.TransformContinuousIndexToPhysicalPoint(index[::-1]))


def _affine(
    target: sitk.Image,
    moving: sitk.Image,
    fixed_centre: npt.NDArray[np.float64],
    moving_centre: npt.NDArray[np.float64],
    cancel: CancelToken,
) -> sitk.AffineTransform:
    """From points of the later CT to points of the earlier one, begun at the lungs' centroids."""
    start = sitk.AffineTransform(3)
    start.SetCenter([float(mm) for mm in fixed_centre])
    start.SetTranslation([float(mm) for mm in moving_centre - fixed_centre])
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMeanSquares()
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(_SAMPLED, _SEED)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetShrinkFactorsPerLevel([factor for factor, _ in _AFFINE_LEVELS])
    method.SetSmoothingSigmasPerLevel([sigma for _, sigma in _AFFINE_LEVELS])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOff()
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=1.0,
        minStep=1e-3,
        numberOfIterations=_AFFINE_ITERATIONS,
        relaxationFactor=0.6,
        gradientMagnitudeTolerance=1e-8,
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(start, inPlace=True)
    with _cancellable(method, cancel):
        method.Execute(target, _thick_enough(moving))
    return start


def _thick_enough(image: sitk.Image) -> sitk.Image:
    """The image, with its last voxels repeated where it has fewer than ITK needs to smooth it."""
    missing = [max(0, _LEAST_VOXELS - length) for length in image.GetSize()]
    padded: sitk.Image = sitk.ZeroFluxNeumannPad(image, [0, 0, 0], missing)
    return padded


def _deformable(
    target: sitk.Image, aligned: sitk.Image, progress: ProgressCallback, cancel: CancelToken
) -> sitk.Image:
    """Displacement in mm, LPS, of every voxel of the working grid; applied before the affine."""
    field: sitk.Image | None = None
    for number, (factor, iterations) in enumerate(_DEFORMABLE_LEVELS):
        fixed, moving = (
            sitk.BinShrink(image, [factor] * 3) if factor > 1 else image
            for image in (target, aligned)
        )
        demons = sitk.DiffeomorphicDemonsRegistrationFilter()
        demons.SetNumberOfIterations(iterations)
        demons.SetSmoothDisplacementField(True)
        demons.SetStandardDeviations(_SMOOTHING)
        with _cancellable(demons, cancel):
            if field is None:
                field = demons.Execute(fixed, moving)
            else:
                field = demons.Execute(fixed, moving, _resampled(field, fixed))
        done = (number + 1) / len(_DEFORMABLE_LEVELS)
        progress(Progress("Registering the lungs: deformable", 0.4 + 0.5 * done))
    assert field is not None
    whole: sitk.Image = sitk.Cast(_resampled(field, target), sitk.sitkVectorFloat64)
    return whole


def _resampled(field: sitk.Image, grid: sitk.Image) -> sitk.Image:
    """A displacement field on another grid, continued beyond its border."""
    resample = sitk.ResampleImageFilter()
    resample.SetReferenceImage(grid)
    resample.SetInterpolator(sitk.sitkLinear)
    resample.SetUseNearestNeighborExtrapolator(True)
    resample.SetOutputPixelType(field.GetPixelID())
    there: sitk.Image = resample.Execute(field)
    return there


@contextmanager
def _cancellable(process: sitk.ProcessObject, cancel: CancelToken) -> Iterator[None]:
    """Stop a filter of ITK at its next iteration once the token is set."""
    process.AddCommand(
        sitk.sitkIterationEvent, lambda: process.Abort() if cancel.cancelled else None
    )
    try:
        yield
    except RuntimeError as error:  # how ITK tells that it was stopped
        if cancel.cancelled:
            raise Cancelled from error
        raise
    finally:
        process.RemoveAllCommands()
    cancel.raise_if_cancelled()
