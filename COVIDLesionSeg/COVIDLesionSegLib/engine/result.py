"""What one run produces, on the CT's own grid, and its form on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .errors import InputError, OutputError
from .files import atomic_folder
from .flags import Flag
from .severity.report import SeverityReport
from .steps import Steps, finish
from .volume import Geometry
from .volume.exact import geometry_from_facts
from .volume.raw_nrrd import read_in_steps, write_in_steps

OVERLAY_FROM = 0.25
"""Probabilities below this are transparent in every picture; they decide nothing else."""


@dataclass(frozen=True)
class SegmentationResult:
    """Lungs, lesions, probabilities and severity of one CT.

    All arrays have the CT's stored shape (k, j, i) and lie on ``geometry``.

    Attributes:
        geometry: The CT's grid.
        lungs: uint8; 0 elsewhere, 1 right lung, 2 left lung; lesions are part of the lung.
        lesions: uint8; 0 elsewhere, n = n-th entry of ``classes``.
        probability: float32, 0 to 1: probability that a voxel is lesion of any class, of an
            ensemble the mean; 0 outside the lungs, where the network's answer is not used.
        classes: Names of the lesion classes, e.g. ``("lesion",)``; the label of class n is n + 1.
            Empty where only the lungs were looked for.
        severity: Volumes, ratios and categories.
        disagreement: float32, 0 to 1: how much the members of an ensemble disagree on a voxel, 0
            where unanimous, 1 where evenly split; None with a single model.
        flags: What a reader must know before trusting the result.
        provenance: Plain JSON-ready facts: software versions, model id and sha256, parameters,
            device, seconds per stage, input source, research-use notice.
    """

    geometry: Geometry
    lungs: np.ndarray
    lesions: np.ndarray
    probability: np.ndarray
    classes: tuple[str, ...]
    severity: SeverityReport
    flags: tuple[Flag, ...]
    provenance: dict[str, Any]
    disagreement: np.ndarray | None = None


FORMAT = "covid-lesion-seg-result"
FORMAT_VERSION = 3
_READABLE_VERSIONS = (2, 3)  # flags of version 2 name no slices
FACTS_FILE = "result.json"
ARRAYS = {
    "lungs": np.uint8,
    "lesions": np.uint8,
    "probability": np.float32,
    "disagreement": np.float32,
}
_OPTIONAL = {"disagreement"}


def save_result(
    result: SegmentationResult,
    folder: Path | str,
    also: Callable[[Path], None] | None = None,
) -> Path:
    """Write one NRRD file for each array of the result, and ``result.json``.

    The folder appears complete or not at all, so a reader never meets half a result. Arrays are
    not compressed: speed matters more than size between two processes. The NRRD headers carry the
    geometry for other software; :func:`load_result_in_steps` takes it from the JSON, where it is
    exact.

    Args:
        result: What to write; arrays of shape (k, j, i).
        folder: A folder that does not exist yet, in one that does.
        also: Writes more into the folder, before it appears.

    Returns:
        The folder.

    Raises:
        OutputError: The folder exists already or cannot be written.
    """
    folder = Path(folder)
    if folder.exists():
        raise OutputError(f"{folder.name} exists already: choose another folder or remove it.")
    with atomic_folder(folder) as partial:
        for name in ARRAYS:
            array = getattr(result, name)
            if array is not None:
                finish(write_in_steps(array, result.geometry, partial / f"{name}.nrrd"))
        facts = json.dumps(facts_from_result(result), indent=1, allow_nan=False)
        (partial / FACTS_FILE).write_text(facts, encoding="utf-8")
        if also is not None:
            also(partial)
    return folder


def load_result_in_steps(
    folder: Path, empty_array: Callable[[str, tuple[int, ...]], np.ndarray] | None = None
) -> Steps[SegmentationResult]:
    """Read what :func:`save_result` wrote, bit for bit the same, in short steps.

    Args:
        folder: The result.
        empty_array: Gives the array to fill, of the type in :data:`ARRAYS` and contiguous, for the
            name and shape of an array of the result: in the memory of whoever shows it.

    Raises:
        InputError: The folder holds no complete result, or one of another format version.
    """
    with _damage_refused(folder):
        facts = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
        written = facts["format"], facts["version"]
    if written not in [(FORMAT, version) for version in _READABLE_VERSIONS]:
        raise InputError(f"{folder.name} was written by another version: run again.")
    with _damage_refused(folder):
        geometry = geometry_from_facts(facts["geometry"])
        if not set(ARRAYS) - _OPTIONAL <= set(facts["arrays"]) <= set(ARRAYS):
            raise InputError(f"{FACTS_FILE} lacks an array.")
        arrays: dict[str, np.ndarray] = {}
        for name in facts["arrays"]:
            array = (empty_array or _empty_array)(name, geometry.shape)
            yield from read_in_steps(folder / f"{name}.nrrd", array)
            arrays[name] = array
        return result_from_facts(facts, arrays)


def _empty_array(name: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.empty(shape, ARRAYS[name])


@contextmanager
def _damage_refused(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        raise InputError(f"{folder.name} holds no complete result: run again.") from error


def facts_from_result(result: SegmentationResult) -> dict[str, Any]:
    """Everything of a result but its arrays, ready for JSON."""
    return {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "geometry": asdict(result.geometry),
        "classes": list(result.classes),
        "severity": result.severity.to_dict(),
        "flags": [asdict(flag) for flag in result.flags],
        "provenance": result.provenance,
        "arrays": [name for name in ARRAYS if getattr(result, name) is not None],
    }


def result_from_facts(
    facts: dict[str, Any], arrays: Mapping[str, np.ndarray]
) -> SegmentationResult:
    """The inverse of :func:`facts_from_result`, also after a trip through JSON.

    Args:
        facts: What that function gave.
        arrays: The arrays of the result by their names in :data:`ARRAYS`.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: These are not such facts.
    """
    return SegmentationResult(
        geometry=geometry_from_facts(facts["geometry"]),
        classes=tuple(facts["classes"]),
        severity=SeverityReport.from_dict(facts["severity"]),
        flags=tuple(Flag.from_dict(flag) for flag in facts["flags"]),
        provenance=dict(facts["provenance"]),
        **arrays,
    )
