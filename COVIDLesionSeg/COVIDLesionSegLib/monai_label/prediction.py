"""What the job finds in a CT of the server, and how sure it is of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import jobs
from ..engine.models.catalogue import load_catalogue
from ..engine.options import options_of
from ..engine.parameters import LUNG_METHODS, Parameters
from ..engine.result import SegmentationResult
from ..engine.review.queue import doubt_ml, measure_slices
from ..engine.volume import Geometry, Volume, read_volume, write_volume
from ..engine.volume.exact import save_volume

ASKED = ("lungs", "device", "precision", "threshold", "smallest_lesion_ml")
"""Parameters that a client may set."""


def settings(defaults: Parameters) -> dict[str, Any]:
    """What a client may set, with the default; where there are choices a list, the default first.

    Args:
        defaults: Values of those that are set already.
    """
    known = {option.name: option.info.choices for option in options_of(Parameters)} | {
        "lungs": LUNG_METHODS
    }
    found: dict[str, Any] = {}
    for name in ASKED:
        default, choices = getattr(defaults, name), known[name]
        found[name] = list(dict.fromkeys((default, *choices))) if choices else default
    return found


def asked_parameters(request: Mapping[str, Any], defaults: Parameters) -> Parameters:
    """The parameters of a client's request; what else is in it says nothing of the result.

    Raises:
        ParameterError: A value is outside its allowed set or range.
    """
    return replace(defaults, **{name: chosen(request[name]) for name in ASKED if name in request})


def chosen(value: Any) -> Any:
    """A value of a request; of a list of choices, which clients may send back, the default."""
    return value[0] if isinstance(value, list) and value else value


def predict(
    ct: Path, parameters: Parameters, only_lungs: bool = False
) -> tuple[Volume, SegmentationResult]:
    """A CT, and what the job that segments it finds.

    Args:
        ct: File or DICOM folder.
        parameters: Parameters of the run.
        only_lungs: Look for the lungs only.

    Raises:
        CovidLesionSegError: As for :func:`~COVIDLesionSegLib.jobs.segment_volume`.
    """
    volume = read_volume(ct)
    with tempfile.TemporaryDirectory(prefix="covid-lesion-seg-") as folder:
        given = Path(folder) / "ct"
        given.mkdir()
        save_volume(volume, given)
        options = jobs.SegmentVolumeOptions(
            volume=given, only_lungs=only_lungs, parameters=parameters
        )
        return volume, jobs.segment_volume(options, Path(folder) / "result")


def write_label_map(labels: npt.NDArray[np.uint8], geometry: Geometry, ending: str) -> Path:
    """Labels as a new temporary file on the grid of the CT, which the server removes.

    Args:
        labels: Shape (k, j, i).
        geometry: The CT's grid.
        ending: Of the file's name, such as ``.nii.gz``; it decides the format.

    Raises:
        OutputError: The format is unknown, or the file cannot be written.
    """
    number, name = tempfile.mkstemp(suffix=ending, prefix="covid-lesion-seg-")
    os.close(number)
    path = Path(name)
    try:
        write_volume(labels, geometry, path)
    except BaseException:
        path.unlink()
        raise
    return path


def describe(result: SegmentationResult) -> dict[str, Any]:
    """What is told of a result beside its labels, JSON-ready; undefined is None."""
    return {
        "category": result.severity.category,
        "ratio": result.severity.ratio,
        "flags": [f"{flag.level}: {flag.message}" for flag in result.flags],
        "models": result.provenance["models"],
        **sureness(result),
    }


def sureness(result: SegmentationResult) -> dict[str, float | None]:
    """How sure a prediction is.

    Returns:
        ``doubt_ml``: volume in doubt, see :mod:`~..engine.review.queue`. ``confidence``: of all
        lesions, 0 to 1; None without lesions, and of models that are not calibrated.
    """
    slices = measure_slices(
        result.probability,
        result.provenance["parameters"]["threshold"],
        result.geometry,
        result.severity,
        disagreement=result.disagreement,
    )
    return {
        "doubt_ml": doubt_ml(slices, result.geometry),
        "confidence": result.severity.confidence,
    }


def weights_of(model: str) -> str:
    """The checksums of a model's weights, or of an ensemble's; raises ModelError."""
    members = load_catalogue().members(Parameters(model=model).members)
    return "+".join(member.card.trained_weights.sha256 for member in members)
