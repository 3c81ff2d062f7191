"""The adult chest as implicit shapes: body wall, skeleton, mediastinum, upper abdomen, lungs.

All lengths in mm, coordinates (x to left, y to posterior, z to superior) from the chest's centre.
Tissue values are usual CT numbers in HU without contrast medium.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .disease import fill_pleura
from .shapes import Grid, radial_depth
from .variation import POSITIONS, Opening, Variation

AIR, FAT, SKIN, MUSCLE, BLOOD, LIVER = -1000, -100, 20, 50, 42, 58
CORTICAL, MARROW, CARTILAGE, DISC, CORD = 650, 190, 120, 80, 32
RIGHT, LEFT = 1, 2

TRACHEA = (((0, 4, 135), (1, 20, 24), 8.5),)
MAIN_BRONCHI = (((1, 20, 24), (-36, 20, -2), 6.8), ((1, 20, 24), (44, 24, -10), 6.0))
LOBAR_BRONCHI = (
    ((-36, 20, -2), (-62, 10, 22), 3.2),
    ((-36, 20, -2), (-52, 36, -45), 3.6),
    ((44, 24, -10), (66, 2, 12), 3.0),
    ((44, 24, -10), (60, 42, -52), 3.4),
)
HILA = {RIGHT: (-37.0, 17.0, -4.0), LEFT: (43.0, 20.0, -10.0)}


@dataclass(frozen=True)
class Patient:
    """What differs from patient to patient.

    Attributes:
        scale: Size of the patient relative to the atlas along (x, y, z).
        diaphragm: Height of the domes relative to the atlas, in mm.
        heart: Size of the heart relative to the atlas.
        fat: Thickness of the fat under the skin, in mm.
    """

    scale: tuple[float, float, float]
    diaphragm: float
    heart: float
    fat: float

    @classmethod
    def draw(cls, random: np.random.Generator, scale: float = 1.0) -> Patient:
        return cls(
            scale=tuple(scale * random.uniform(0.94, 1.0, 3)),
            diaphragm=random.uniform(-2, 8),
            heart=random.uniform(0.92, 1.05),
            fat=random.uniform(6, 12),
        )


@dataclass(frozen=True)
class Anatomy:
    """One patient on one grid, all arrays of shape (z, y, x).

    Attributes:
        hu: float32, HU without vessels, lung texture, lesions or noise.
        lungs: uint8; 1 right, 2 left.
        wall_depth: float32, mm from the inner chest wall towards the chest's axis.
        bronchi: bool, lumen of the lobar bronchi within the lungs.
    """

    hu: np.ndarray
    lungs: np.ndarray
    wall_depth: np.ndarray
    bronchi: np.ndarray


def build_anatomy(grid: Grid, patient: Patient, variation: Variation) -> Anatomy:
    """Paint the patient from the outside in; later tissues replace earlier ones."""
    z = grid.z
    rise = np.clip((z + 10) / 122, 0, 1.2) ** 2
    cavity_y = grid.y - 12 * rise
    wall_depth = radial_depth(grid.x, cavity_y, 128 - 42 * rise, 84 - 22 * rise)
    if variation.wall is None:
        body_depth = radial_depth(grid.x, grid.y, 152 - 10 * rise, 108 - 16 * rise)
    else:
        back = radial_depth(grid.x, grid.y - 72, 46, 36)
        body_depth = np.maximum(wall_depth + variation.wall, back)

    hu = np.full(grid.shape, FAT, np.float32)
    hu[body_depth > 2.2 + patient.fat] = MUSCLE
    _paint_chest_wall(hu, grid, wall_depth)

    cavity = wall_depth > 0
    mediastinum = _mediastinum(grid, patient)
    domes = {side: _diaphragm_height(grid, side, patient) for side in (RIGHT, LEFT)}
    dome = np.where(grid.x < 0, domes[RIGHT], domes[LEFT])
    hu[cavity] = FAT + 15
    _paint_abdomen(hu, grid, cavity & (z < dome), variation)
    hu[cavity & (z < dome) & (z > dome - 5)] = MUSCLE
    _paint_spine(hu, grid)
    _paint_mediastinum(hu, grid, patient, dome)

    lungs = np.zeros(grid.shape, np.uint8)
    for side, sign in ((RIGHT, -1), (LEFT, 1)):
        apex = 112 - 0.016 * (grid.x - sign * 46) ** 2 - 0.012 * (grid.y - 14) ** 2
        lungs[cavity & ~mediastinum & (sign * grid.x > 0) & (z > domes[side]) & (z < apex)] = side
    bronchi = _paint_airways(hu, grid, lungs)
    fill_pleura(hu, lungs, bronchi, grid, variation)
    # Skin and surroundings last: no bone or muscle sticks out of the body.
    hu[body_depth < 2.2] = SKIN
    hu[body_depth < 0] = AIR
    for opening in variation.openings:
        hu[_opening(grid, opening) & (lungs == 0) & (body_depth > 0)] = opening.hu
    if variation.table:
        _paint_table(hu, grid, variation)
    return Anatomy(hu, lungs, wall_depth, bronchi)


def _opening(grid: Grid, opening: Opening) -> np.ndarray:
    sign = -1 if opening.side == RIGHT else 1
    box: np.ndarray = (sign * grid.x > 45) & (np.abs(grid.y) < opening.size[0] / 2)
    return box & (np.abs(grid.z - opening.height) < opening.size[1] / 2)


def _paint_table(hu: np.ndarray, grid: Grid, variation: Variation) -> None:
    down = variation.down(grid)
    on_side = "decubitus" in variation.position
    across, lowest = (grid.y, 160.0) if on_side else (grid.x, 116.0)
    top = lowest - 0.0011 * across**2
    span = (np.abs(across) < 160) & (grid.z < np.inf)
    hu[(down > top + 4) & (down < top + 22) & span] = -880
    for offset in (4, 20):
        hu[(down > top + offset) & (down < top + offset + 3.5) & span] = -250


def _paint_chest_wall(hu: np.ndarray, grid: Grid, wall_depth: np.ndarray) -> None:
    # A rib slopes down from the spine to the sternum: one axial slice cuts several.
    phase = np.mod(grid.z - 0.42 * grid.y + 0.08 * np.abs(grid.x), 27)
    shell = (wall_depth < -2.5) & (wall_depth > -11.5)
    rib = shell & (phase < 12) & (np.abs(grid.x) > 16) & (grid.z < 118)
    core = rib & (wall_depth < -4.5) & (wall_depth > -9.5) & (phase > 2) & (phase < 10)
    front = (grid.y < -40) & (np.abs(grid.x) < 60)
    hu[shell & ~rib] = MUSCLE
    hu[(wall_depth > -2.5) & (wall_depth <= 0)] = MUSCLE
    hu[rib] = CORTICAL
    hu[core] = MARROW
    hu[rib & front] = CARTILAGE
    sternum_y = -92 + 16 * np.clip((grid.z + 10) / 122, 0, 1) ** 2
    sternum = (np.abs(grid.x) < 17) & (np.abs(grid.y - sternum_y) < 6)
    sternum = sternum & (grid.z > -55) & (grid.z < 95)
    hu[sternum] = CORTICAL - 250
    hu[sternum & (np.abs(grid.x) < 15) & (np.abs(grid.y - sternum_y) < 4)] = MARROW - 60
    for sign in (-1, 1):
        # Scapula: a thin blade behind the upper ribs.
        blade = np.abs(grid.y - 78 + 0.55 * (sign * grid.x - 95) + 0.15 * (grid.z - 50)) < 3.5
        hu[blade & (sign * grid.x > 68) & (sign * grid.x < 122) & (grid.z > -5)] = CORTICAL - 150


def _paint_spine(hu: np.ndarray, grid: Grid) -> None:
    anywhere = grid.z < np.inf
    disc = np.mod(grid.z, 27) < 5.5
    body = ((grid.x / 17) ** 2 + ((grid.y - 60) / 14) ** 2 < 1) & anywhere
    inner = ((grid.x / 15) ** 2 + ((grid.y - 60) / 12) ** 2 < 1) & anywhere
    paraspinal = ((np.abs(grid.x) - 24) / 20) ** 2 + ((grid.y - 86) / 13) ** 2 < 1
    hu[paraspinal & anywhere] = MUSCLE
    lamina = (((grid.x / 15) ** 2 + ((grid.y - 82) / 13) ** 2) < 1) & anywhere
    process = (np.abs(grid.x) < 4) & (grid.y > 85) & (grid.y < 99 + 0 * grid.z)
    transverse = (np.abs(grid.x) < 34) & (np.abs(grid.y - 80 - 0.2 * np.abs(grid.x)) < 4.5)
    hu[(lamina | process) & ~disc] = CORTICAL - 200
    hu[transverse & (np.mod(grid.z, 27) > 17)] = CORTICAL - 250
    hu[body] = CORTICAL - 300
    hu[inner] = MARROW
    hu[inner & disc] = DISC
    canal = ((grid.x / 9) ** 2 + ((grid.y - 81) / 8) ** 2 < 1) & anywhere
    hu[canal] = CORD


def _diaphragm_height(grid: Grid, side: int, patient: Patient) -> np.ndarray:
    """z of the dome over (y, x); the right one is higher, the posterior recess the deepest."""
    centre, top = ((-62, -50), (68, -60))[side - 1]
    distance2 = (grid.x - centre) ** 2 + 1.1 * (grid.y + 8) ** 2
    return top + patient.diaphragm - 58 * (1 - np.exp(-distance2 / 5200)) - 0.16 * grid.y


def _heart(grid: Grid, patient: Patient, margin: float = 0) -> np.ndarray:
    # The long axis points to the left, forwards and down.
    x, y, z = grid.x - 20, grid.y + 26, grid.z + 50
    along = 0.76 * x - 0.42 * y - 0.50 * z
    across = x**2 + y**2 + z**2 - along**2
    size = patient.heart
    mask: np.ndarray = (along / (58 * size + margin)) ** 2 + across / (43 * size + margin) ** 2 < 1
    return mask


_VESSELS = (
    ((-14, -22, -10), (-12, -20, 46), 15),  # ascending aorta
    ((-12, -18, 46), (20, 40, 46), 13),  # aortic arch
    ((21, 42, 46), (17, 40, -170), 12),  # descending aorta
    ((-26, -8, 100), (-24, -8, -15), 8.5),  # superior vena cava
    ((14, -28, -5), (16, -4, 16), 13),  # pulmonary trunk
    ((16, -2, 14), (-38, 8, 4), 10),  # right pulmonary artery
    ((16, 0, 16), (44, 20, 10), 10),  # left pulmonary artery
    ((16, 6, 52), (24, 10, 118), 6),  # left subclavian and carotid arteries
    ((-6, 0, 52), (-18, 2, 118), 6.5),  # brachiocephalic trunk
    ((6, 38, 130), (8, 40, -170), 7),  # oesophagus
)


def _mediastinum(grid: Grid, patient: Patient) -> np.ndarray:
    """Everything between the lungs, including the spine and the hila."""
    upper = np.clip((grid.z - 45) / 40, 0, 1)
    half_width = 3.5 + (19 + 5 * upper) * np.exp(-(((grid.y - 12) / (38 + 10 * upper)) ** 2))
    mask: np.ndarray = np.abs(grid.x - 3) < half_width
    mask = mask | _heart(grid, patient, margin=4)
    for start, end, radius in _VESSELS:
        mask |= grid.tube(start, end, radius + 2)
    for centre in HILA.values():
        mask |= grid.ellipsoid(centre, (13, 15, 20))
    mask |= (((grid.x / 25) ** 2 + ((grid.y - 64) / 22) ** 2) < 1) & (grid.z < np.inf)
    mask |= (np.abs(grid.x) < 22) & (grid.y > 62) & (grid.z < np.inf)
    return mask


def _paint_mediastinum(hu: np.ndarray, grid: Grid, patient: Patient, dome: np.ndarray) -> None:
    heart = _heart(grid, patient) & (grid.z > dome - 5)
    hu[heart] = BLOOD
    for centre in HILA.values():
        hu[grid.ellipsoid(centre, (12, 14, 19))] = BLOOD - 15
    for start, end, radius in _VESSELS:
        hu[grid.tube(start, end, radius)] = BLOOD
    thyroid_level = (np.abs(grid.x) < 22) & (np.abs(grid.y - 2) < 22) & (grid.z > 112)
    hu[thyroid_level] = MUSCLE + 15


def _paint_abdomen(hu: np.ndarray, grid: Grid, below: np.ndarray, variation: Variation) -> None:
    hu[below] = FAT + 5
    hu[below & (grid.x < 28 - 0.25 * (grid.y + 60))] = LIVER
    stomach = below & grid.ellipsoid((62, -18, -106), (46, 46, 46))
    hu[stomach] = 25
    # Gas rises to the front of the supine patient's stomach, just below the left dome.
    x, y = POSITIONS[variation.position]
    level = variation.gas_level + 18 + 62 * x - 18 * y
    gas = stomach & grid.ellipsoid((62, -18, -106), (41, 41, 41))
    gas &= variation.down(grid) < level
    hu[gas] = variation.stomach_gas
    hu[below & grid.ellipsoid((84, 40, -112), (38, 32, 46))] = 48
    if variation.bowel_gas is not None:
        mottled = np.sin(grid.x / 3.5) * np.sin(grid.y / 3.5) * np.sin(grid.z / 3.5) > -0.15
        for sign in (-1, 1):
            colon = below & grid.tube((sign * 85, 0, -125), (sign * 85, 0, -400), 22)
            hu[colon] = 30
            hu[colon & mottled] = variation.bowel_gas


def _paint_airways(hu: np.ndarray, grid: Grid, lungs: np.ndarray) -> np.ndarray:
    """Paint walls, then lumens; returns the lumen that lies within the lungs."""
    central = TRACHEA + MAIN_BRONCHI
    for start, end, radius in central:
        wall = grid.tube(start, end, radius + 2.0)
        hu[wall & (lungs == 0)] = MUSCLE - 15
        lungs[wall] = 0
    for start, end, radius in central:
        hu[grid.tube(start, end, radius)] = AIR + 10
    bronchi = np.zeros(grid.shape, bool)
    for start, end, radius in LOBAR_BRONCHI:
        lumen = grid.tube(start, end, radius)
        hu[lumen & (lungs == 0)] = AIR + 15
        bronchi |= lumen
    return bronchi & (lungs > 0)
