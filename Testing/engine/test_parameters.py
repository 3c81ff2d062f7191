"""Parameters are right from the moment they exist."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from COVIDLesionSegLib.engine.errors import ParameterError
from COVIDLesionSegLib.engine.parameters import Parameters


@pytest.mark.parametrize("threshold", ["0.5", True, None, math.nan, math.inf, 0, 1, -0.1, 0.5j, []])
def test_a_threshold_that_is_no_number_between_0_and_1_is_refused(threshold):
    with pytest.raises(ParameterError, match="must be a number between 0 and 1"):
        Parameters(threshold=threshold)


@pytest.mark.parametrize("threshold", [0.35, np.float32(0.5), np.float64(0.9)])
def test_any_real_threshold_survives_a_trip_through_json(threshold):
    parameters = Parameters(threshold=threshold)
    assert Parameters.from_dict(json.loads(json.dumps(parameters.to_dict()))) == parameters


@pytest.mark.parametrize("batch_size", ["4", True, None, -1, 2.0])
def test_a_batch_size_that_is_no_whole_number_is_refused(batch_size):
    with pytest.raises(ParameterError, match="batch_size is .*whole number"):
        Parameters(batch_size=batch_size)


def test_an_unknown_parameter_is_named():
    with pytest.raises(ParameterError, match="seed"):
        Parameters.from_dict({"seed": 1})
