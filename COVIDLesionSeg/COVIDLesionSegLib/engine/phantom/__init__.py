"""A generated chest CT with exact truth.

Segmentation oracle for tests, sample data; never used to claim accuracy.
"""

from .anatomy import Opening, Variation
from .generate import Phantom, generate_chest_ct

__all__ = ["Opening", "Phantom", "Variation", "generate_chest_ct"]
