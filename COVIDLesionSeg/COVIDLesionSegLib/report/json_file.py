"""The JSON files of result folders: their head, a grid as plain values, how they are written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import RESEARCH_USE_NOTICE
from ..engine.files import write_bytes
from ..engine.volume import Geometry


def head(format_name: str, version: int) -> dict[str, Any]:
    """What every such file begins with: what it is, and that it is for research only."""
    return {
        "format": format_name,
        "version": version,
        "research_use_notice": RESEARCH_USE_NOTICE,
    }


def write_json(content: Mapping[str, Any], path: Path) -> None:
    """Write plain values as indented JSON.

    Raises:
        OutputError: The file cannot be written.
        ValueError: A number is not finite.
    """
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
    # Half of a surrogate pair, which a card's JSON may hold, has no UTF-8; its escape is JSON.
    write_bytes(f"{text}\n".encode(errors="backslashreplace"), path)


def grid_content(geometry: Geometry) -> dict[str, Any]:
    """A grid as plain values, in voxels and mm."""
    return {
        "size_voxels": list(geometry.size),
        "spacing_mm": list(geometry.spacing),
        "origin_lps_mm": list(geometry.origin),
        "direction_lps": list(geometry.direction),
    }


def grid_from_content(facts: Mapping[str, Any]) -> Geometry:
    """The inverse of :func:`grid_content`.

    Raises:
        InputError, KeyError, TypeError, ValueError: They are no facts of a grid.
    """
    names = ("size_voxels", "spacing_mm", "origin_lps_mm", "direction_lps")
    return Geometry(*(tuple(facts[name]) for name in names))
