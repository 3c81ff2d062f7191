"""Lung extractors behind one protocol."""

from .extractor import LungExtractor, LungLabels
from .methods import get_extractor

__all__ = ["LungExtractor", "LungLabels", "get_extractor"]
