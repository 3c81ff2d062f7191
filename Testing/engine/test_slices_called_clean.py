"""Slices that a slice classifier calls clean: not segmented, and everywhere said so."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from COVIDLesionSegLib import jobs
from COVIDLesionSegLib.engine import networks
from COVIDLesionSegLib.engine.detection.detect import detector_of
from COVIDLesionSegLib.engine.errors import ModelError, ParameterError
from COVIDLesionSegLib.engine.inference.slice_classes import SliceClassifier
from COVIDLesionSegLib.engine.models.card_json import write_card
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.models.preprocessing import Preprocessing
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.pipeline import segment
from COVIDLesionSegLib.jobs.cohort_case import CaseWork
from COVIDLesionSegLib.report.report_json import report_content, report_schema
from COVIDLesionSegLib.report.severity_slices import write_severity_slices_csv
from engine.chests import chest
from engine.crafted import make_card, write_model

NAME = "by-density"
PLAIN = Parameters(device="cpu")
ASKED = replace(PLAIN, slice_classifier=NAME)


class ByDensity(nn.Module):
    """Calls a slice infected the more, the more of it is denser than -500 HU."""

    def __init__(self, slice_classes, most_clean=0.02):
        super().__init__()
        self.bound = nn.Parameter(torch.tensor([float(most_clean)]))

    def forward(self, x):
        dense = (x > 0.43).float().mean(dim=(1, 2, 3))
        infected = torch.sigmoid(100 * (dense - self.bound))
        return torch.stack([1 - infected, infected], dim=1)


@pytest.fixture
def classifier(user_folder, monkeypatch):
    """A trained slice classifier of the user's."""
    monkeypatch.setitem(networks._NETWORKS, "ByDensity", ByDensity)
    card = make_card(
        Preprocessing((-1024.0, 200.0), lung_mask=True, input_size=(64, 64)),
        id=NAME,
        task="slice-classes",
        network="ByDensity",
        arguments={"slice_classes": ["clean", "infected"]},
    )
    write_model(ByDensity(()), card, user_folder)
    return user_folder


@pytest.fixture(scope="module")
def phantom():
    return chest(seed=2, size=(112, 88, 16), spacing=(2.9, 2.9, 15.0))


@pytest.mark.slow
@pytest.mark.usefixtures("classifier")
def test_slices_called_clean_are_not_segmented_and_result_flags_and_report_name_them(
    phantom, tmp_path
):
    from jsonschema import Draft202012Validator

    plain, found = segment(phantom.volume, PLAIN), segment(phantom.volume, ASKED)
    said = found.provenance["slice_classifier"]
    clean = said["slices_called_clean"]
    with_lung = [slice_.index for slice_ in found.severity.slices]
    assert clean and set(clean) < set(with_lung) and said["slices"] == len(with_lung)
    card = load_catalogue().get(NAME).card
    assert said["model"] == NAME and said["weights_sha256"] == card.weights.sha256

    to_axial = phantom.volume.order.to_axial
    np.testing.assert_array_equal(found.lungs, plain.lungs)
    assert not to_axial(found.probability)[clean].any()
    others = [index for index in with_lung if index not in clean]
    np.testing.assert_allclose(
        to_axial(found.probability)[others], to_axial(plain.probability)[others], atol=1e-5
    )

    (flag,) = [flag for flag in found.flags if flag.code == "slices-called-clean"]
    assert flag.level == "warning" and flag.slices == tuple(clean)
    assert NAME in flag.message and card.weights.sha256 in flag.message
    assert f"{len(clean)} of {len(with_lung)} slices" in flag.message

    report = json.loads(json.dumps(report_content(found)))
    Draft202012Validator(report_schema()).validate(report)
    for slice_ in report["severity"]["slices"]:
        skipped = slice_["index"] in clean
        assert slice_["segmented"] is not skipped
        assert (None in slice_["positive"].values()) is skipped
    write_severity_slices_csv(found.severity, tmp_path / "slices.csv")
    rows = (tmp_path / "slices.csv").read_text(encoding="utf-8").splitlines()[1:]
    for row, index in zip(rows, with_lung, strict=True):
        assert ("no" in row.split(",")[:8]) is (index in clean)
        assert ("n/a" in row.split(",")[3:5]) is (index in clean)


@pytest.mark.slow
@pytest.mark.usefixtures("classifier")
def test_by_default_every_slice_is_segmented_and_no_classifier_is_named(phantom):
    assert Parameters().slice_classifier == "none"
    result = segment(phantom.volume, PLAIN)
    assert "slice_classifier" not in result.provenance
    assert all(slice_.segmented for slice_ in result.severity.slices)
    assert not [flag for flag in result.flags if flag.code == "slices-called-clean"]


@pytest.mark.usefixtures("classifier")
def test_a_model_that_tells_no_classes_of_slices_or_has_no_weights_is_refused(phantom):
    for name in ("amc-net", "nobody"):
        with pytest.raises(ParameterError, match=f"no slice classifier '{name}'.*none, .*{NAME}"):
            segment(phantom.volume, replace(PLAIN, slice_classifier=name))
    with pytest.raises(ParameterError, match="slice_classifier must be the id"):
        Parameters(slice_classifier="")
    with pytest.raises(ParameterError, match="itself: name no slice classifier"):
        detector_of(replace(ASKED, model="affinity-8"))
    with pytest.raises(ModelError, match="tells infected from clean slices and finds no lesions"):
        load_catalogue().members((NAME,))
    untrained = SliceClassifier(replace(PLAIN, slice_classifier="capsule-classifier"))
    lungs = np.ones((1, 8, 8), np.uint8)
    with pytest.raises(ModelError, match="no trained weights"):
        untrained.clean_slices(np.zeros((1, 8, 8), np.float32), lungs, (1.0, 1.0))


@pytest.mark.slow
def test_with_an_untrained_classifier_the_result_says_that_it_means_nothing(classifier, phantom):
    card = load_catalogue().get(NAME).card
    write_card(replace(card, weights=None), classifier)
    result = segment(phantom.volume, replace(ASKED, allow_untrained=True))
    assert any(flag.code == "untrained-network" and NAME in flag.message for flag in result.flags)
    assert result.severity.category is None


@pytest.mark.usefixtures("classifier")
def test_slices_without_lung_are_not_looked_at_and_the_frame_follows_the_lungs():
    hu = np.full((3, 90, 120), -850.0, np.float32)
    hu[2, 40:60, 40:60] = 0.0
    lungs = np.zeros(hu.shape, np.uint8)
    lungs[1:, 30:70, 30:90] = 1
    found = SliceClassifier(ASKED).clean_slices(hu, lungs, (0.7, 0.7))
    assert found.slices == (1,) and found.facts["slices"] == 2
    none = SliceClassifier(ASKED).clean_slices(hu[2:], lungs[2:], (0.7, 0.7))
    assert none.slices == () and none.flags == ()


@pytest.mark.usefixtures("classifier")
def test_a_slice_is_left_out_neither_in_a_tie_nor_where_the_classifier_gives_no_numbers(
    monkeypatch,
):
    lungs = np.ones((1, 90, 120), np.uint8)

    def left_out(probabilities):
        monkeypatch.setattr(ByDensity, "forward", lambda _, x: torch.tensor([probabilities]))
        hu = np.full(lungs.shape, -850.0, np.float32)
        return SliceClassifier(ASKED).clean_slices(hu, lungs, (0.7, 0.7)).slices

    assert left_out([0.6, 0.5]) == (0,)
    assert left_out([0.5, 0.5]) == left_out([0.0, 0.0]) == ()
    with pytest.raises(ModelError, match="gives no numbers"):
        left_out([float("nan"), float("nan")])


@pytest.mark.usefixtures("classifier")
def test_a_cohort_does_its_cases_again_where_the_classifier_has_other_weights(tmp_path):
    def made_with(parameters):
        options = jobs.BatchOptions(sources=(tmp_path,), parameters=parameters)
        return CaseWork(options, tmp_path).made_with_text

    sha256 = load_catalogue().get(NAME).card.weights.sha256
    assert sha256 in made_with(ASKED) and sha256 not in made_with(PLAIN)
