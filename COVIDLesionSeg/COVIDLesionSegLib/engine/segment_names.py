"""How the segments of a result are told from those that somebody else made."""

from __future__ import annotations

CLASS_TAG = "COVIDLesionSeg.class"
"""Tag of a segment that holds the name of what was found there."""


def segment_id(name: str) -> str:
    """The stable id of the segment called ``name``; a copy of it in Slicer has another."""
    return name.strip().lower().replace(" ", "-")
