"""A generated chest CT: segmentation oracle for tests, sample data; never used to claim accuracy.

The patient is painted in axial order and only then laid on the requested grid, so the same seed
gives the same voxels whatever the orientation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import ParameterError
from ..progress import Progress, ProgressCallback, ignore_progress
from ..volume import AxialOrder, Geometry, Volume
from .anatomy import AIR, BLOOD, HILA, Anatomy, Patient, build_anatomy
from .disease import without_air
from .lesions import CONSOLIDATION, GROUND_GLASS, place_lesions
from .shapes import Grid
from .texture import scanner_noise, smooth_field
from .variation import Variation
from .vessels import fill_fraction, grow_tree

_CENTRE_LPS = np.array([3.5, -12.0, -160.0])  # mm; off the origin, as in any real scan
_TWIGS = 420  # terminal vessels of one lung
_AXIS_CODES = {
    "L": (1, 0, 0),
    "R": (-1, 0, 0),
    "P": (0, 1, 0),
    "A": (0, -1, 0),
    "S": (0, 0, 1),
    "I": (0, 0, -1),
}


@dataclass(frozen=True)
class Phantom:
    """A generated chest CT and its truth, all on ``volume.geometry``, shape (k, j, i).

    Attributes:
        volume: HU, int16.
        lungs: uint8; 1 right, 2 left; lesions and vessels in the lung included, trachea, main
            bronchi and hilar vessels not.
        lesions: uint8; 1 ground-glass opacity, 2 consolidation.
    """

    volume: Volume
    lungs: np.ndarray
    lesions: np.ndarray


def generate_chest_ct(
    seed: int = 0,
    size: tuple[int, int, int] = (128, 128, 64),
    spacing: tuple[float, float, float] = (2.6, 2.6, 5.0),
    orientation: str | Sequence[float] | np.ndarray = "LPS",
    ground_glass: float | tuple[float, float] = (0.12, 0.07),
    consolidation: float | tuple[float, float] = (0.03, 0.015),
    noise: float = 18.0,
    variation: Variation | None = None,
    progress: ProgressCallback = ignore_progress,
) -> Phantom:
    """Generate the chest CT of one invented patient, with exact truth.

    Segmentation oracle for tests, sample data; never used to claim accuracy.

    The chest is about 300 x 210 mm, the lungs about 230 mm high, around the grid's centre; a
    smaller field of view cuts them off, as a real scan would.

    Args:
        seed: Decides the patient, the lesions and the noise.
        size: Voxels along the patient's axes, right to left, anterior to posterior and inferior
            to superior, whatever the orientation in which they are stored.
        spacing: mm along the same axes.
        orientation: How the voxels are stored: where i, j and k point, as three letters
            (``"LPS"``, ``"RAS"``, ``"SPL"``, ...), or a 3x3 LPS direction matrix (columns are the
            axes; row-major when flat). With an oblique matrix the patient lies oblique, too.
        ground_glass: Share of each lung that is ground-glass opacity, 0 to 1; a pair is
            (right, left).
        consolidation: Likewise, for consolidation.
        noise: Standard deviation of the scanner noise in HU.
        variation: What differs from the ordinary chest and scan; truth is what the scanner sees.
        progress: Called with progress; what it raises is passed on.

    Returns:
        The CT and its truth.

    Raises:
        ParameterError: A size, spacing, share, noise, orientation or variation is not usable.
    """
    ground_glass, consolidation = _shares(ground_glass), _shares(consolidation)
    if any(g + c > 0.9 for g, c in zip(ground_glass, consolidation, strict=True)):
        raise ParameterError("Lesions can take at most 0.9 of a lung: choose smaller shares.")
    if len(size) != 3 or min(size) < 2 or len(spacing) != 3 or min(spacing) <= 0 or noise < 0:
        raise ParameterError(
            "Size needs three numbers of at least 2, spacing three positive ones, and noise must "
            "not be negative."
        )
    direction = _direction(orientation)
    variation = variation or Variation()
    variation.check()

    # One stream for each part: more lesions must not change the patient.
    patient_rng, vessel_rng, tissue_rng, lesion_rng, noise_rng = (
        np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(5)
    )
    patient = Patient.draw(patient_rng, variation.scale)
    spacing_zyx = (float(spacing[2]), float(spacing[1]), float(spacing[0]))
    z, y, x = (s / f for s, f in zip(spacing_zyx, patient.scale[::-1], strict=True))
    grid = Grid((int(size[2]), int(size[1]), int(size[0])), (z, y, x))

    progress(Progress("Generating the chest", 0.0))
    anatomy = build_anatomy(grid, patient, variation)
    progress(Progress("Generating the lesions", 0.4))
    lesions = place_lesions(
        grid, anatomy.lungs, anatomy.wall_depth, ground_glass, consolidation, lesion_rng
    )
    lesions[without_air(grid, anatomy.lungs, anatomy.wall_depth, variation)] = CONSOLIDATION
    progress(Progress("Generating the vessels", 0.5))
    vessels = _vessels(grid, anatomy.lungs, vessel_rng)
    progress(Progress("Generating the lung tissue", 0.65))
    hu = _paint_lungs(grid, anatomy, lesions, vessels, variation.down(grid), tissue_rng)
    progress(Progress("Generating the scan", 0.85))
    # The point spread of the scanner gives every edge its partial volume.
    hu = ndimage.gaussian_filter(hu, (0.4, 0.5, 0.5), truncate=3)
    progress(Progress("Generating the noise", 0.9))
    hu += scanner_noise(grid, noise, noise_rng)
    hu = np.clip(np.rint(hu), -1024, 3071).astype(np.int16)
    lungs = anatomy.lungs
    if variation.field_of_view is not None:
        mm = Grid(grid.shape, spacing_zyx)
        unseen = np.broadcast_to(np.hypot(mm.y, mm.x) > variation.field_of_view / 2, grid.shape)
        hu[unseen], lungs[unseen], lesions[unseen] = variation.padding, 0, 0
    return _stored(hu, lungs, lesions, spacing_zyx, direction, seed)


def _shares(value: float | tuple[float, float]) -> tuple[float, float]:
    pair = tuple(value) if isinstance(value, Sequence) else (value, value)
    if len(pair) != 2 or not all(0 <= share <= 1 for share in pair):
        raise ParameterError("A lesion share is one number, or (right, left), from 0 to 1.")
    return pair[0], pair[1]


def _direction(orientation: str | Sequence[float] | np.ndarray) -> np.ndarray:
    if isinstance(orientation, str):
        if len(orientation) != 3 or any(code not in _AXIS_CODES for code in orientation.upper()):
            raise ParameterError(f"Orientation {orientation!r} is not three of the letters LRPASI.")
        direction = np.array([_AXIS_CODES[code] for code in orientation.upper()], float).T
    else:
        direction = np.asarray(orientation, float)
        if direction.size != 9:
            raise ParameterError("A direction matrix has 3x3 numbers.")
        direction = direction.reshape(3, 3)
    if not np.allclose(direction.T @ direction, np.eye(3), atol=1e-4):
        raise ParameterError("The three axes of an orientation must be perpendicular unit vectors.")
    return direction


def _vessels(grid: Grid, lungs: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Share of each voxel that is vessel, float32 (z, y, x)."""
    filled = np.zeros(grid.shape, np.float32)
    for side, hilum in HILA.items():
        # Candidates in mm rather than voxels: the tree is the same on every grid.
        candidates = random.uniform((0, -90, -120), (130, 95, 115), (4000, 3))
        candidates[:, 0] *= np.sign(hilum[0])
        index, inside = grid.index(candidates)
        targets = candidates[inside][lungs.ravel()[index] == side][:_TWIGS]
        if len(targets):
            filled += fill_fraction(grow_tree(targets, hilum, random), grid, random)
    return np.where(lungs > 0, np.minimum(filled, 1), 0)


def _paint_lungs(
    grid: Grid,
    anatomy: Anatomy,
    lesions: np.ndarray,
    vessels: np.ndarray,
    down: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    """HU, float32: parenchyma, lesions, and the vessels among them.

    Parenchyma is denser farther ``down``, which is in mm from the centre of the chest.
    """
    lung = anatomy.lungs > 0
    coarse, fine = smooth_field(grid, 18, random), smooth_field(grid, 4, random)
    tissue = -825 + 0.5 * down + 9 * coarse + 9 * fine
    tissue = np.where(anatomy.bronchi, AIR + 40, tissue)

    # Ground glass fades out over about 2 mm; normalised, so that it does not fade at the pleura.
    blur = [2.0 / s for s in grid.spacing]
    haze = ndimage.gaussian_filter((lesions == GROUND_GLASS).astype(np.float32), blur, truncate=2)
    haze /= np.maximum(ndimage.gaussian_filter(lung.astype(np.float32), blur, truncate=2), 0.05)
    haze = np.clip(haze, 0, 1)
    tissue += haze * (-475 + 45 * coarse + 30 * fine - tissue)
    tissue = np.where(lesions == CONSOLIDATION, 8 + 10 * coarse + 6 * fine, tissue)
    tissue = np.where(anatomy.bronchi & (lesions == CONSOLIDATION), AIR + 150, tissue)
    tissue += vessels * (BLOOD - tissue)
    return np.where(lung, tissue, anatomy.hu).astype(np.float32)


def _stored(
    hu: np.ndarray,
    lungs: np.ndarray,
    lesions: np.ndarray,
    spacing_zyx: tuple[float, float, float],
    direction: np.ndarray,
    seed: int,
) -> Phantom:
    """Lay axial arrays on the grid with this direction, centred on the same point in mm."""
    order = AxialOrder.of(
        Geometry((1, 1, 1), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), tuple(direction.ravel()))
    )
    size, spacing = np.zeros(3, int), np.zeros(3)
    for axial_axis, array_axis in enumerate(order.permutation):
        size[2 - array_axis] = hu.shape[axial_axis]
        spacing[2 - array_axis] = spacing_zyx[axial_axis]
    origin = _CENTRE_LPS - direction @ (spacing * (size - 1) / 2)
    geometry = Geometry(
        size=tuple(size.tolist()),
        spacing=(float(spacing[0]), float(spacing[1]), float(spacing[2])),
        origin=tuple(origin.tolist()),
        direction=tuple(direction.ravel().tolist()),
    )
    volume = Volume(
        np.ascontiguousarray(order.to_stored(hu)),
        geometry,
        {"format": "generated", "modality": "CT", "seed": str(seed)},
    )
    return Phantom(volume, volume.on_grid(lungs), volume.on_grid(lesions))
