"""What the DICOM objects of a result have in common: equipment, algorithm, codes and writing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
from highdicom.sr import CodedConcept
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code as PublicCode

from .. import __version__
from ..engine.files import atomic_path
from ..engine.labels import Code
from ..engine.lungs.given import METHOD as GIVEN
from ..engine.result import SegmentationResult
from ..engine.text import printable
from .result_reading import CORRECTED

SOFTWARE = "COVIDLesionSeg"
RESEARCH_MARK = "Research software, not a medical device"
"""Short enough for a description in DICOM: 64 characters."""
EQUIPMENT: dict[str, Any] = {
    "manufacturer": SOFTWARE,
    "manufacturer_model_name": "covid-lesion-seg",
    "software_versions": __version__,
    # DICOM demands a serial number, but software has none.
    "device_serial_number": "none",
}
SEG_SERIES, SR_SERIES, CAPTURE_SERIES = 9001, 9002, 9003
"""Numbers of the series, beyond those of scanners."""

Source = tuple[pydicom.Dataset, ...]
"""What :func:`~COVIDLesionSegLib.engine.volume.dicom_headers.read_source_headers` gives."""


@dataclass(frozen=True)
class Algorithm:
    """What found a segment.

    Attributes:
        kind: ``AUTOMATIC``, or ``SEMIAUTOMATIC`` for what the user gave or corrected.
        family: Family of the algorithm, of DICOM CID 7162.
        parameters: By name; models with the SHA-256 of their weights.
    """

    kind: str
    family: PublicCode
    parameters: dict[str, str]


def lung_algorithm(result: SegmentationResult) -> Algorithm:
    """How the lungs were found."""
    facts = result.provenance["lungs"]
    method = str(facts["method"])
    parameters = {"lungs": method}
    if method == GIVEN:
        return Algorithm("SEMIAUTOMATIC", codes.DCM.ManualProcessing, parameters)
    if method == "threshold":
        return Algorithm(_kind(result), codes.DCM.MorphologicalOperations, parameters)
    if facts.get("weights_sha256"):
        parameters["weights_sha256"] = facts["weights_sha256"]
    return Algorithm(_kind(result), codes.DCM.ArtificialIntelligence, parameters)


def lesion_algorithm(result: SegmentationResult) -> Algorithm:
    """How the lesions were found; several models are joined by ``+``."""
    models = result.provenance["models"]
    parameters = {
        "model": "+".join(models),
        "weights_sha256": "+".join(facts["weights_sha256"] or "none" for facts in models.values()),
    }
    for name in ("combination", "threshold", "smallest_lesion_ml"):
        if name in result.provenance["parameters"]:
            parameters[name] = str(result.provenance["parameters"][name])
    if classifier := result.provenance.get("slice_classifier"):  # said which slices are looked at
        parameters["slice_classifier"] = classifier["model"]
        parameters["slice_classifier_weights_sha256"] = classifier["weights_sha256"] or "none"
    return Algorithm(_kind(result), codes.DCM.ArtificialIntelligence, parameters)


def _kind(result: SegmentationResult) -> str:
    return "SEMIAUTOMATIC" if result.provenance.get(CORRECTED) else "AUTOMATIC"


def concept(code: Code) -> CodedConcept:
    """A code of this software, for highdicom."""
    scheme, value, meaning = code
    return CodedConcept(value, scheme, meaning)


def short(name: str) -> str:
    """A name, such as that of a lesion class, as the elements of DICOM take it (VR LO).

    It has at most 64 characters and, as some readers count those, at most 64 bytes.
    """
    text = printable(name).replace("\\", "/")
    while len(text.encode()) > 64:
        text = text[:-1]
    return text


def save(dataset: pydicom.Dataset, path: Path) -> None:
    """Write a DICOM file.

    Raises:
        OutputError: The file cannot be written.
    """
    with atomic_path(path) as temporary:
        dataset.save_as(temporary, enforce_file_format=True)
