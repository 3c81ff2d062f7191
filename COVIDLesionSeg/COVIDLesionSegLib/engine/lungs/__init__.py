"""Lung extractors behind one protocol."""

from .extractor import LungExtractor, LungLabels, get_extractor

__all__ = ["LungExtractor", "LungLabels", "get_extractor"]
