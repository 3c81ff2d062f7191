"""Parameters are right from the moment they exist."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from COVIDLesionSegLib.engine.errors import ParameterError
from COVIDLesionSegLib.engine.parameters import COMBINATIONS, Parameters


@pytest.mark.parametrize("threshold", ["0.5", True, None, math.nan, math.inf, 0, 1, -0.1, 0.5j, []])
def test_a_threshold_that_is_no_number_between_0_and_1_is_refused(threshold):
    with pytest.raises(ParameterError, match="threshold is .*must be a (finite )?number"):
        Parameters(threshold=threshold)


@pytest.mark.parametrize("threshold", [0.35, np.float32(0.5), np.float64(0.9)])
def test_any_real_threshold_survives_a_trip_through_json(threshold):
    parameters = Parameters(threshold=threshold)
    assert Parameters.from_dict(json.loads(json.dumps(parameters.to_dict()))) == parameters


@pytest.mark.parametrize("batch_size", ["4", True, None, 2.0])
def test_a_batch_size_that_is_no_whole_number_is_refused(batch_size):
    with pytest.raises(ParameterError, match="batch_size is .*whole number"):
        Parameters(batch_size=batch_size)


def test_a_negative_batch_size_is_refused():
    with pytest.raises(ParameterError, match="batch_size is -1, but must be at least 0"):
        Parameters(batch_size=-1)


def test_a_batch_size_of_numpy_survives_a_trip_through_json():
    parameters = Parameters(batch_size=np.int64(4))
    assert Parameters.from_dict(json.loads(json.dumps(parameters.to_dict()))) == parameters


def test_an_unknown_parameter_is_named():
    with pytest.raises(ParameterError, match="seed"):
        Parameters.from_dict({"seed": 1})


@pytest.mark.parametrize(
    ("model", "members"),
    [
        ("amc-net", ("amc-net",)),
        ("a+b", ("a", "b")),
        ("a + b +c", ("a", "b", "c")),
    ],
)
def test_a_model_is_one_id_or_the_members_of_an_ensemble(model, members):
    assert Parameters(model=model).members == members


@pytest.mark.parametrize("model", ["", " ", "a+", "+a", "a++b"])
def test_a_model_without_an_id_is_refused(model):
    with pytest.raises(ParameterError, match=r"id of a model .* or several joined by '\+'"):
        Parameters(model=model)


@pytest.mark.parametrize("model", [None, 7, ["a"]])
def test_a_model_that_is_no_text_is_refused(model):
    with pytest.raises(ParameterError, match="model is .*must be text"):
        Parameters(model=model)


@pytest.mark.parametrize("model", ["a+a", "a+b+ a"])
def test_a_member_named_twice_is_refused(model):
    with pytest.raises(ParameterError, match="names a member twice"):
        Parameters(model=model)


@pytest.mark.parametrize("combination", ["vote", "", None])
def test_an_unknown_combination_is_refused_and_the_known_ones_are_named(combination):
    with pytest.raises(ParameterError, match="must be one of: majority-vote, mean, mean-by-class"):
        Parameters(combination=combination)
    assert COMBINATIONS == ("majority-vote", "mean", "mean-by-class")


@pytest.mark.parametrize("lungs", ["", None, 7])
def test_lungs_without_a_name_are_refused(lungs):
    with pytest.raises(ParameterError, match="lungs .*must be"):
        Parameters(lungs=lungs)


@pytest.mark.parametrize("allowed", ["yes", 1, None])
def test_untrained_networks_are_allowed_by_true_alone(allowed):
    with pytest.raises(ParameterError, match="allow_untrained is .*true or false"):
        Parameters(allow_untrained=allowed)
    assert Parameters().allow_untrained is False


def test_an_ensemble_survives_a_trip_through_json():
    parameters = Parameters(
        model="a+b", combination="mean", lungs="lungmask-r231", allow_untrained=True
    )
    assert Parameters.from_dict(json.loads(json.dumps(parameters.to_dict()))) == parameters
