import pytest

from COVIDLesionSegLib.engine.text import (
    index_ranges,
    millilitres,
    percent,
    score_text,
    signed_millilitres,
    signed_percent,
    yes_or_no,
)


def test_percentages_never_round_a_lesion_away():
    assert percent(None) == "n/a"
    assert percent(0.0) == "0.0 %"
    assert percent(0.0004) == "< 0.1 %"
    assert percent(0.1234) == "12.3 %"


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [
        (0.25, "25.0 %"),
        (0.2504, "25.04 %"),
        (0.24996, "24.996 %"),
        (0.0496, "4.96 %"),
        (0.5004, "50.04 %"),
        (0.7504, "75.04 %"),
        (0.2999, "30.0 %"),
    ],
)
def test_a_percentage_shows_on_which_side_of_a_bound_it_lies(ratio, shown):
    assert percent(ratio) == shown


def test_changes_have_a_sign_and_are_never_rounded_to_nothing():
    assert [signed_percent(change) for change in (None, 0.0, 0.182, -0.004, -0.0004)] == [
        "n/a",
        "0",
        "+18.2 %",
        "−0.4 %",
        "−<0.1 %",
    ]
    assert [signed_millilitres(change) for change in (0.004, -0.04, 80.4)] == [
        "+<0.01",
        "−0.04",
        "+80.4",
    ]


def test_volumes_are_shown_as_precisely_as_they_are_small():
    shown = [millilitres(volume) for volume in (None, 0.0, 0.004, 0.25, 12.34, 1234.5)]
    assert shown == ["n/a", "0.00", "< 0.01", "0.25", "12.3", "1\u202f234"]


def test_scores_have_three_decimals_and_distances_one():
    assert [score_text(value) for value in (None, 0.0, 0.79279, -0.4, 1.0, 56.48)] == [
        "n/a",
        "0.000",
        "0.793",
        "-0.400",
        "1.000",
        "56.5",
    ]


def test_slices_are_listed_as_ranges():
    assert index_ranges([3, 4, 5, 8, 11, 12]) == "3–5, 8, 11–12"
    assert index_ranges([]) == "none"


def test_an_answer_that_is_not_known_is_not_a_no():
    assert [yes_or_no(answer) for answer in (True, False, None)] == ["yes", "no", "n/a"]
