"""A training keeps the labels it began with, on the CT as it lies in the reviewed case now."""

from __future__ import annotations

import json

import numpy as np
import pytest

from COVIDLesionSegLib.engine.errors import InputError
from COVIDLesionSegLib.engine.review import (
    Verdict,
    remove_case,
    result_on,
    save_case,
    save_labels,
    save_verdict,
)
from COVIDLesionSegLib.engine.self_training.frozen_cases import (
    CASES_JSON,
    freeze_cases,
    frozen_cases,
)
from COVIDLesionSegLib.engine.self_training.reviewed_data import labelled_case
from engine.saved_results import make_result
from engine.small_cts import GRID, ct, turned


@pytest.fixture
def reviews(tmp_path):
    return tmp_path / "reviews"


@pytest.fixture
def case(reviews):
    case = save_case(ct(), make_result(GRID), folder=reviews)
    return save_verdict(case, Verdict.ACCEPTED, "")


def test_labels_lie_on_a_ct_that_was_reviewed_again_from_a_file_with_turned_axes(
    tmp_path, reviews, case
):
    freeze_cases([case], tmp_path / "cases")
    before = labelled_case(frozen_cases(tmp_path / "cases", reviews)[0])
    remove_case(case)
    again = turned(ct())
    assert again.geometry.shape != GRID.shape
    save_case(again, result_on(make_result(GRID), again.geometry), folder=reviews)
    after = labelled_case(frozen_cases(tmp_path / "cases", reviews)[0])
    for name in ("image", "lesion", "lungs"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    assert before.lesion.any() and not before.lesion.all()
    assert after.spacing_mm == before.spacing_mm


def test_later_corrections_do_not_change_a_training_that_began(tmp_path, reviews, case):
    freeze_cases([case], tmp_path / "cases")
    before = labelled_case(frozen_cases(tmp_path / "cases", reviews)[0])
    save_labels(case, case.lungs(), np.ones(GRID.shape, np.uint8))
    after = labelled_case(frozen_cases(tmp_path / "cases", reviews)[0])
    np.testing.assert_array_equal(after.lesion, before.lesion)


def test_a_list_without_grids_is_refused(tmp_path, reviews, case):
    freeze_cases([case], tmp_path / "cases")
    path = tmp_path / "cases" / CASES_JSON
    (listed,) = json.loads(path.read_text())
    listed["shape"] = list(GRID.shape)
    del listed["geometry"]
    path.write_text(json.dumps([listed]))
    with pytest.raises(InputError, match="earlier version of this software: start a new training"):
        frozen_cases(tmp_path / "cases", reviews)


def test_labels_of_another_ct_are_refused(tmp_path, reviews, case):
    freeze_cases([case], tmp_path / "cases")
    (frozen,) = frozen_cases(tmp_path / "cases", reviews)
    with pytest.raises(InputError, match="start a new training"):
        frozen.read_labels(GRID.cropped((0, 0, 0), (2, 3, 4)))
