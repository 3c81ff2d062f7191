"""Fabricated results: the truth of a generated chest CT, as if it had been segmented perfectly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from COVIDLesionSegLib.engine.flags import Flag, untrained_flag
from COVIDLesionSegLib.engine.result import SegmentationResult
from COVIDLesionSegLib.engine.severity import measure_severity
from COVIDLesionSegLib.engine.severity.lesions import Confidence
from report import dicom_results
from report.facts import member

CLASSES = ("ground-glass opacity", "consolidation")


@pytest.fixture(scope="session")
def result(phantom):
    """The phantom's truth as a result of a two-class model, with one flag of each level."""
    volume = phantom.volume
    lesions = phantom.lesions
    probability = ndimage.gaussian_filter((lesions > 0).astype(np.float32), 0.8)
    return SegmentationResult(
        geometry=volume.geometry,
        lungs=phantom.lungs,
        lesions=lesions,
        probability=np.where(phantom.lungs > 0, probability, 0).astype(np.float32),
        classes=CLASSES,
        severity=measure_severity(phantom.lungs, lesions, CLASSES, volume.geometry),
        flags=(
            Flag("lung-volume-small", "The right lung is small.", slices=(9, 7)),
            Flag("slices-thick", "Slices are 7 mm thick; small lesions can be missed.", "note"),
        ),
        provenance={
            "software": {"covid-lesion-seg": "0.1.0", "torch": "2.13.0"},
            "models": {"amc-net": member()},
            "lungs": {"method": "threshold"},
            "parameters": {"threshold": 0.5, "device": "cpu"},
            "seconds": {"lungs": 1.25, "lesions": 8.5},
        },
    )


@pytest.fixture(scope="session")
def untrained_ensemble(result):
    """The same found by two networks, one of which was never trained."""
    disagreement = np.where(result.lesions == 1, 1, 0).astype(np.float32)
    severity = measure_severity(
        result.lungs, result.lesions, CLASSES, result.geometry, disagreement
    )
    return replace(
        result,
        disagreement=disagreement,
        severity=severity.ungraded(),
        flags=(untrained_flag(["u-net-9000"]), *result.flags),
        provenance=result.provenance
        | {"models": {"amc-net": member(), "u-net-9000": member(trained=False)}},
    )


@pytest.fixture(scope="session")
def single_class(result):
    """The same lesions as one class."""
    lesions = (result.lesions > 0).astype(np.uint8)
    severity = measure_severity(result.lungs, lesions, ("lesion",), result.geometry)
    return replace(result, lesions=lesions, classes=("lesion",), severity=severity)


@pytest.fixture(scope="session")
def calibrated(single_class):
    """The same found by a calibrated model: 0.7 of what it called lesion is expected to be so."""
    confidence = Confidence(single_class.probability, lambda found: np.full(found.shape, 0.7))
    severity = measure_severity(
        single_class.lungs,
        single_class.lesions,
        single_class.classes,
        single_class.geometry,
        confidence=confidence,
    )
    return replace(single_class, severity=severity)


@pytest.fixture(scope="session", params=dicom_results.GRIDS)
def dicom_case(request, tmp_path_factory):
    """A DICOM series on an awkward grid, a result, and the DICOM files of it."""
    return dicom_results.written(tmp_path_factory.mktemp(request.param), request.param)
