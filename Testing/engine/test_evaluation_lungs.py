"""Models that find lungs are scored on lungs, and never beside models that find lesions."""

from __future__ import annotations

import json

import numpy as np
import pytest

from COVIDLesionSegLib.engine import networks
from COVIDLesionSegLib.engine.errors import ModelError, ParameterError
from COVIDLesionSegLib.engine.evaluation.of_lungs import LungData, find_lungs_of_data
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.jobs import EvaluateOptions, evaluate
from engine.crafted import Pixelwise, make_card, write_model
from engine.labelled_data import write_slice_folder
from engine.training_slices import labelled


class Data:
    samples_of = {"p": 1}
    classes = ("lesion",)
    unit, lungs, mask_by_default = "px", "experts", True

    def read(self, patient, cancel):
        yield labelled(lungs=True)


def test_lungs_take_the_place_of_lesions():
    (item,) = LungData(Data()).read("p", CancelToken())
    np.testing.assert_array_equal(item.lesion, labelled(lungs=True).lungs)
    assert item.lungs is None
    assert not LungData(Data()).mask_by_default


def test_lungs_that_an_extractor_found_judge_no_model():
    data = Data()
    data.lungs = "threshold"
    with pytest.raises(ParameterError, match="lungs that experts marked: give a slice folder"):
        LungData(data)


def test_models_for_lungs_and_for_lesions_are_evaluated_apart():
    catalogue, parameters = load_catalogue(), Parameters()
    assert find_lungs_of_data(["lungs-lite0", "lungs-unet-resnet18"], parameters, catalogue)
    assert not find_lungs_of_data(["amc-net", "eamc"], parameters, catalogue)
    with pytest.raises(ParameterError, match="evaluate them apart"):
        find_lungs_of_data(["amc-net", "lungs-lite0"], parameters, catalogue)
    with pytest.raises(ModelError, match="no model"):
        find_lungs_of_data(["nothing"], parameters, catalogue)


def test_a_model_for_lungs_is_scored_by_the_job(tmp_path, user_folder, monkeypatch):
    monkeypatch.setitem(networks._NETWORKS, "Pixelwise", Pixelwise)
    card = make_card(
        id="lungs-mine", network="Pixelwise", task="lungs", classes=("lung",), channels=("lung",)
    )
    write_model(Pixelwise(), card, user_folder)
    folder = write_slice_folder(tmp_path / "slices")
    options = EvaluateOptions(data=folder, models=("lungs-mine",))
    evaluation = evaluate(options, tmp_path / "out")
    (scores,) = evaluation.models
    assert scores.protocol.endswith("; lungs in place of lesions")
    assert scores.pooled["dice"] is not None and scores.pooled["rate_correlation"] is None
    written = json.loads((tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8"))
    assert written["models"][0]["model"] == "lungs-mine"
