"""A CT as a folder of files, exact to the last bit: how one process gives it to another."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..files import write_bytes
from ..steps import Steps, finish
from .geometry import Geometry
from .raw_nrrd import read_in_steps, voxel_type, write_in_steps
from .reading import read_array
from .volume import Volume

CT_FILE = "ct.nrrd"
FACTS_FILE = "ct.json"


def save_volume(volume: Volume, folder: Path) -> None:
    """Write a CT (HU, shape (k, j, i)) into an existing, private folder.

    The voxels are not compressed: speed matters more than size between two processes.

    Raises:
        OutputError: The folder cannot be written.
    """
    finish(save_volume_in_steps(volume, folder))


def save_volume_in_steps(volume: Volume, folder: Path) -> Steps[None]:
    """As :func:`save_volume`, in short steps."""
    facts = {
        "geometry": asdict(volume.geometry),
        "source": volume.source,
        "warnings": list(volume.warnings),
    }
    yield from write_in_steps(volume.array, volume.geometry, folder / CT_FILE)
    write_bytes(json.dumps(facts, indent=1).encode(), folder / FACTS_FILE)


def load_volume(folder: Path) -> Volume:
    """Read what :func:`save_volume` wrote: the same CT, bit for bit.

    Raises:
        InputError: The folder holds no complete CT.
    """
    try:
        facts = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
        return Volume(
            array=read_array(folder / CT_FILE)[0],
            geometry=geometry_from_facts(facts["geometry"]),
            source=dict(facts["source"]),
            warnings=tuple(facts["warnings"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        raise InputError("The folder holds no complete CT: run the segmentation again.") from error


def load_volume_in_steps(
    folder: Path, array_for: Callable[[tuple[int, ...], np.dtype], np.ndarray]
) -> Steps[Volume]:
    """As :func:`load_volume`, in short steps, into memory that the caller provides.

    Args:
        folder: What :func:`save_volume` wrote.
        array_for: Gives a contiguous array of this shape (k, j, i) and type, to be filled.
    """
    try:
        facts = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
        geometry = geometry_from_facts(facts["geometry"])
        array = array_for(geometry.shape, voxel_type(folder / CT_FILE))
        yield from read_in_steps(folder / CT_FILE, array)
        return Volume(array, geometry, dict(facts["source"]), tuple(facts["warnings"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        raise InputError("The folder holds no complete CT: run the segmentation again.") from error


def geometry_from_facts(facts: dict[str, Any]) -> Geometry:
    """The inverse of ``dataclasses.asdict(geometry)`` after a trip through JSON."""
    return Geometry(**{name: tuple(values) for name, values in facts.items()})
