"""A generated chest CT with exact truth.

Segmentation oracle for tests, sample data; never used to claim accuracy.
"""

from .generate import Phantom, generate_chest_ct
from .variation import Opening, Variation

__all__ = ["Opening", "Phantom", "Variation", "generate_chest_ct"]
