"""A small generated chest CT and its truth, as if it had been segmented perfectly."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy import ndimage

from cli.facts import member
from COVIDLesionSegLib.engine import networks
from COVIDLesionSegLib.engine.flags import Flag
from COVIDLesionSegLib.engine.models.preprocessing import Preprocessing
from COVIDLesionSegLib.engine.models.user_models import USER_FOLDER_VARIABLE
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.remarks import untrained_flag
from COVIDLesionSegLib.engine.result import SegmentationResult
from COVIDLesionSegLib.engine.severity import measure_severity
from engine.crafted import make_card
from engine.training_slices import Stemmed

CLASSES = ("ground-glass opacity", "consolidation")


@pytest.fixture(scope="session")
def phantom():
    return generate_chest_ct(seed=3, size=(96, 96, 40), spacing=(3.6, 3.6, 7.0), orientation="RIP")


@pytest.fixture(scope="session")
def small_chest():
    """The smallest chest CT that goes through the whole main job."""
    return generate_chest_ct(seed=5, size=(88, 72, 14), spacing=(3.8, 3.8, 18.0)).volume


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
            Flag("lung-volume-small", "The right lung is small: look at its border."),
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


@pytest.fixture(scope="module")
def small_drsegunet(tmp_path_factory):
    """A model ``small`` of the user's, untrained: DRSegUNet's recipe with the smallest network."""
    folder = tmp_path_factory.mktemp("models")
    card = make_card(
        Preprocessing((-1000.0, 100.0), input_size=(64, 64)),
        (*CLASSES, "lung", "background"),
        id="small",
        title="Small",
        network="DRSegUNet",
        classes=CLASSES,
    )
    (folder / "small.json").write_text(json.dumps(asdict(card)), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(networks._NETWORKS, "DRSegUNet", Stemmed)
        patch.setenv(USER_FOLDER_VARIABLE, str(folder))
        yield "small"
