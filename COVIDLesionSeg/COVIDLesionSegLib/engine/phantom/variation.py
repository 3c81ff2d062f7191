"""What differs from the ordinary generated chest: patient, position, disease, scan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ParameterError
from ..lobes import LOBES
from .shapes import Grid

POSITIONS = {
    "supine": (0, 1),
    "prone": (0, -1),
    "right decubitus": (-1, 0),
    "left decubitus": (1, 0),
}
"""Where down is, along (x, y), by how the patient lies."""


@dataclass(frozen=True)
class Opening:
    """A wound, drain or dark streak through the lateral chest wall, as a box.

    Attributes:
        side: 1 right, 2 left.
        height: Its middle along z, in mm from the centre of the chest.
        size: mm along (y, z).
        hu: What fills it.
    """

    side: int
    height: float
    size: tuple[float, float]
    hu: float = -1000.0


@dataclass(frozen=True)
class Variation:
    """What differs from the ordinary chest and scan.

    Attributes:
        scale: Size of the patient; a child of six has about 0.6.
        position: One of :data:`POSITIONS`.
        wall: Thickness of the chest wall in mm, the same all around; None for that of the patient,
            about 24.
        openings: Openings of the chest wall.
        consolidated: Lobes, as in :data:`..lobes.LOBES`, without air but in their bronchi.
        consolidated_rim: mm of (right, left) lung along the whole chest wall that hold no air.
        effusion: mm of fluid in the (right, left) pleural space, above its lowest point. It is no
            lung.
        removed: The lung that was removed, 1 right, 2 left; fluid fills its space.
        table: Whether the patient lies on a table.
        stomach_gas: HU of the gas in the stomach.
        gas_level: The stomach holds gas in front of this y, in mm from the centre of the chest, and
            fluid behind it; where the patient does not lie supine, as much gas above the fluid.
        bowel_gas: HU of the gas in a colon with mottled stool under both domes; None for no colon.
        field_of_view: Diameter in mm of the circle that the scanner sees; None for all.
        padding: Value of the voxels outside the field of view.
    """

    scale: float = 1.0
    position: str = "supine"
    wall: float | None = None
    openings: tuple[Opening, ...] = ()
    consolidated: tuple[str, ...] = ()
    consolidated_rim: tuple[float, float] = (0.0, 0.0)
    effusion: tuple[float, float] = (0.0, 0.0)
    removed: int | None = None
    table: bool = True
    stomach_gas: float = -985.0
    gas_level: float = -24.0
    bowel_gas: float | None = None
    field_of_view: float | None = None
    padding: int = -1024

    def check(self) -> None:
        """Refuse what cannot be painted.

        Raises:
            ParameterError: One sentence about the first wrong value.
        """
        if self.wall is not None and not 0 < self.wall <= 60:
            raise ParameterError("A chest wall is more than 0 and at most 60 mm thick.")
        if self.field_of_view is not None and self.field_of_view <= 0:
            raise ParameterError("The diameter of the field of view must be positive.")
        if not 0.3 <= self.scale <= 1.5:
            raise ParameterError("The patient's scale lies between 0.3 and 1.5.")
        if self.position not in POSITIONS:
            raise ParameterError(f"A patient's position is one of: {', '.join(POSITIONS)}.")
        if not set(self.consolidated) <= set(LOBES):
            raise ParameterError(f"The lobes are: {', '.join(LOBES)}.")

    def down(self, grid: Grid) -> np.ndarray:
        """How far down a voxel lies from the centre of the chest, in mm: the way fluid runs.

        The array broadcasts to (z, y, x).
        """
        x, y = POSITIONS[self.position]
        down: np.ndarray = x * grid.x + y * grid.y
        return down
