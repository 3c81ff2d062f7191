"""What is found in one CT one by one, and its form on disk between two processes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..files import atomic_folder
from ..flags import Flag
from ..severity.report import Lesion
from ..steps import Steps, finish
from ..volume import Geometry
from ..volume.exact import geometry_from_facts
from ..volume.raw_nrrd import read_in_steps, write_in_steps

_FACTS_FILE = "detection.json"
_ARRAYS = {"lungs": np.uint8, "labels": np.uint16}


@dataclass(frozen=True)
class FoundLesion(Lesion):
    """One lesion, its value in the label map being its number.

    Attributes:
        box_mm: Its extent along the axes closest to right-left, anterior-posterior and
            inferior-superior, in mm.
        inside_lps_mm: The middle of one of its voxels in the largest slice, the nearest to its
            centroid there: a crescent's centroid lies outside of it.
        mean_hu: Mean of its voxels, in HU.
        lobe: The given lobe that holds most of it; None where none does, or none were given.
        score: 0 to 1. Of a detector: the highest softmax confidence of its slices. Of a model that
            segments: the mean probability of its voxels.
    """

    box_mm: tuple[float, float, float]
    inside_lps_mm: tuple[float, float, float]
    mean_hu: float
    score: float
    lobe: str | None = None


@dataclass(frozen=True)
class SliceClass:
    """What a detector says of one slice as a whole.

    Attributes:
        index: From 0 at the inferior end.
        name: The most probable class.
        probabilities: Of every class, by its own sigmoid, 0 to 1.
        instances: Lesions found in the slice by the detector, of at least the least score.
    """

    index: int
    name: str
    probabilities: dict[str, float]
    instances: int


@dataclass(frozen=True, eq=False)
class LesionDetection:
    """Lesions of one CT, one by one.

    Attributes:
        geometry: The CT's grid.
        lungs: uint8 (k, j, i): 1 right lung, 2 left lung.
        labels: uint16 (k, j, i): numbers of the lesions of the table, 0 elsewhere.
        lesions: The largest first.
        slices: Classes of the slices with lung; empty where the model does not tell them.
        rule: How lesions of slices became lesions of the CT, one sentence.
        flags: What a reader must know before trusting the result.
        provenance: Provenance, as of a segmentation's result.
    """

    geometry: Geometry
    lungs: npt.NDArray[Any]
    labels: npt.NDArray[Any]
    lesions: tuple[FoundLesion, ...]
    slices: tuple[SliceClass, ...]
    rule: str
    flags: tuple[Flag, ...]
    provenance: dict[str, Any]


def save_detection(found: LesionDetection, folder: Path) -> None:
    """Write a detection for another process: an NRRD file for each array, and a JSON file.

    Args:
        found: What to write.
        folder: A folder that does not exist yet; it appears complete or not at all.

    Raises:
        OutputError: The folder cannot be written.
    """
    facts = {
        "geometry": asdict(found.geometry),
        "lesions": [asdict(lesion) for lesion in found.lesions],
        "slices": [asdict(slice_) for slice_ in found.slices],
        "rule": found.rule,
        "flags": [asdict(flag) for flag in found.flags],
        "provenance": found.provenance,
    }
    with atomic_folder(folder) as partial:
        for name in _ARRAYS:
            array = getattr(found, name)
            finish(write_in_steps(array, found.geometry, partial / f"{name}.nrrd"))
        (partial / _FACTS_FILE).write_text(json.dumps(facts, allow_nan=False), encoding="utf-8")


def load_detection_in_steps(folder: Path) -> Steps[LesionDetection]:
    """Read what :func:`save_detection` wrote, bit for bit, in short steps.

    Raises:
        InputError: The folder holds no complete detection.
    """
    try:
        facts = json.loads((folder / _FACTS_FILE).read_text(encoding="utf-8"))
        geometry = geometry_from_facts(facts["geometry"])
        arrays = {}
        for name, kind in _ARRAYS.items():
            arrays[name] = np.empty(geometry.shape, kind)
            yield from read_in_steps(folder / f"{name}.nrrd", arrays[name])
        return LesionDetection(
            geometry=geometry,
            lesions=tuple(FoundLesion.from_dict(values) for values in facts["lesions"]),
            slices=tuple(SliceClass(**values) for values in facts["slices"]),
            rule=facts["rule"],
            flags=tuple(Flag.from_dict(flag) for flag in facts["flags"]),
            provenance=dict(facts["provenance"]),
            **arrays,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        raise InputError("What was found one by one was lost: try again.") from error
