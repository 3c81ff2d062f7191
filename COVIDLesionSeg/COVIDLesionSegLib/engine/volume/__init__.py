"""CT volumes: reading, checking, geometry, writing."""

from .checks import AIR_HU, check_chest_ct
from .geometry import AxialOrder, Geometry, same_grid
from .images import geometry_of, image_from, itk_path
from .reading import read_array, read_volume
from .volume import Volume
from .writing import write_volume

__all__ = [
    "AIR_HU",
    "AxialOrder",
    "Geometry",
    "Volume",
    "check_chest_ct",
    "geometry_of",
    "image_from",
    "itk_path",
    "read_array",
    "read_volume",
    "same_grid",
    "write_volume",
]
